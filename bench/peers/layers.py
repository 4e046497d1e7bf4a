"""layers.py: names of repeated layers, as our leaves have them, and torch's own recurrent modules filled with our weights."""


def numbered(name, i):
    """conv, conv_2, conv_3 ..."""
    return name if i == 0 else '%s_%d' % (name, i + 1)


def torch_recurrent(T, module, layers):
    """Fills a torch.nn.LSTM or GRU from our leaves (name of layer -> suffix of torch's) and takes those out of T.P."""
    import torch
    with torch.no_grad():
        for name, suffix in layers.items():
            for ours, theirs in (('kernel', 'weight_ih'), ('recurrent', 'weight_hh'), ('bias', 'bias_ih'), ('inner', 'bias_hh')):
                getattr(module, theirs + suffix).copy_(T.P.pop(name + '.' + ours))
    T.extra = list(module.parameters())
    return module
