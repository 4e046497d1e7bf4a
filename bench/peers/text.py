"""text.py: the peers of lstm.nn and gru-small.nn: an embedding, recurrent layers, scores of the next character."""
from layers import numbered, torch_recurrent

FIELDS, PICTURES = ('x', 'y'), False


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    units, gates = T.weights['layer.recurrent'].shape
    depth = sum(k.endswith('.recurrent') for k in T.weights)
    Module = torch.nn.LSTM if gates == 4 * units else torch.nn.GRU
    module = Module(T.weights['table'].shape[1], units, depth, batch_first=True)
    torch_recurrent(T, module, {numbered('layer', i): '_l%d' % i for i in range(depth)})

    def loss(P, x, y):
        h, _ = module(F.embedding(x, P['table']))
        s = F.linear(h, P['scores.weight'], P['scores.bias'])
        return F.cross_entropy(s.view(-1, s.shape[-1]), y.reshape(-1))
    return loss


def jax_gru(P, name, x):
    import jax
    import jax.numpy as jnp
    R, inner = P[name + '.recurrent'], P[name + '.inner']
    H = R.shape[0]
    z = jnp.swapaxes(x @ P[name + '.kernel'] + P[name + '.bias'], 0, 1)

    def cell(h, zt):
        a = h @ R + inner
        r, u = jnp.split(jax.nn.sigmoid(zt[:, :2 * H] + a[:, :2 * H]), 2, -1)
        n = jnp.tanh(zt[:, 2 * H:] + r * a[:, 2 * H:])
        h = n + u * (h - n)
        return h, h
    return jax.lax.scan(cell, jnp.zeros((x.shape[0], H)), z)[1]


def jax_loss(T):
    import jax.numpy as jnp
    from jax_tools import cross_entropy, linear, lstm
    units, gates = T.P['layer.recurrent'].shape
    depth = sum(k.endswith('.recurrent') for k in T.P)
    layer = (lambda P, n, x: lstm(P, n, x)[0]) if gates == 4 * units else jax_gru

    def loss(P, S, x, y):
        x = P['table'][x]
        for i in range(depth):
            hs = layer(P, numbered('layer', i), x)
            x = jnp.swapaxes(hs, 0, 1)
        return cross_entropy(linear(P, 'scores', hs), jnp.swapaxes(y, 0, 1)), S
    return loss
