"""cnn.py: the peers of cnn.nn."""
from layers import numbered

FIELDS, PICTURES = ('x', 'y'), True
FLATTENED = {'layer.weight': lambda W: (4, W['conv_6.weight'].shape[-1])}
NAMES = [(numbered('conv', i), numbered('batch_norm', i)) for i in range(6)]


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    running = {}
    for _, n in NAMES:
        c = T.weights[n + '.scale'].size
        running[n] = torch.zeros(c), torch.ones(c)

    def loss(P, x, y):
        for i, (c, n) in enumerate(NAMES):
            x = F.conv2d(x, P[c + '.weight'], padding=1)
            x = torch.relu(F.batch_norm(x, *running[n], P[n + '.scale'], P[n + '.shift'], True, 0.1, 1e-5))
            if i % 2:
                x = F.max_pool2d(x, 2)
        return F.cross_entropy(F.linear(x.flatten(1), P['layer.weight'], P['layer.bias']), y)
    return loss


def jax_loss(T):
    import jax
    import jax.numpy as jnp
    from jax_tools import batch_norm, cross_entropy, linear
    for _, n in NAMES:
        c = T.P[n + '.scale'].size
        T.S[n] = jnp.zeros(c), jnp.ones(c)

    def loss(P, S, x, y):
        S = dict(S)
        for i, (c, n) in enumerate(NAMES):
            x, m, v = batch_norm(P, n, T.conv(x, P[c + '.weight'], 1, 1))
            S[n] = 0.9 * S[n][0] + 0.1 * m, 0.9 * S[n][1] + 0.1 * v
            x = jax.nn.relu(x)
            if i % 2:
                x = T.max_pool(x)
        return cross_entropy(linear(P, 'layer', x.reshape(x.shape[0], -1)), y), S
    return loss
