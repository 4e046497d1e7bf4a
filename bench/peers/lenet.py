"""lenet.py: the peers of lenet.nn."""
FIELDS, PICTURES = ('x', 'y'), True
FLATTENED = {'layer.weight': lambda W: (5, W['conv_2.weight'].shape[-1])}


def torch_loss(T):
    import torch
    import torch.nn.functional as F

    def linear(P, n, x): return F.linear(x, P[n + '.weight'], P[n + '.bias'])

    def loss(P, x, y):
        x = F.avg_pool2d(torch.tanh(F.conv2d(x, P['conv.weight'], P['conv.bias'], padding=2)), 2)
        x = F.avg_pool2d(torch.tanh(F.conv2d(x, P['conv_2.weight'], P['conv_2.bias'])), 2)
        x = torch.tanh(linear(P, 'layer', x.flatten(1)))
        return F.cross_entropy(linear(P, 'layer_3', torch.tanh(linear(P, 'layer_2', x))), y)
    return loss


def jax_loss(T):
    import jax.numpy as jnp
    from jax_tools import cross_entropy, linear

    def loss(P, S, x, y):
        x = T.avg_pool(jnp.tanh(T.conv(x, P['conv.weight'], 1, 2) + P['conv.bias']))
        x = T.avg_pool(jnp.tanh(T.conv(x, P['conv_2.weight']) + P['conv_2.bias']))
        x = jnp.tanh(linear(P, 'layer', x.reshape(x.shape[0], -1)))
        return cross_entropy(linear(P, 'layer_3', jnp.tanh(linear(P, 'layer_2', x))), y), S
    return loss
