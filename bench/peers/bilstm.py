"""bilstm.py: the peers of bilstm.nn."""
from layers import torch_recurrent

FIELDS, PICTURES = ('x', 'y'), False


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    n, units = T.weights['layer.kernel'].shape[0], T.weights['layer.recurrent'].shape[0]
    module = torch.nn.LSTM(n, units, 1, batch_first=True, bidirectional=True)
    torch_recurrent(T, module, {'layer': '_l0', 'layer_2': '_l0_reverse'})

    def loss(P, x, y):
        _, (h, _) = module(x)
        return F.cross_entropy(F.linear(torch.cat([h[0], h[1]], 1), P['scores.weight'], P['scores.bias']), y)
    return loss


def jax_loss(T):
    import jax.numpy as jnp
    from jax_tools import cross_entropy, linear, lstm

    def loss(P, S, x, y):
        ends = lstm(P, 'layer', x)[1], lstm(P, 'layer_2', x, reverse=True)[1]
        return cross_entropy(linear(P, 'scores', jnp.concatenate(ends, 1)), y), S
    return loss
