"""mlp.py: the peers of mlp-tiny.nn, mlp.nn and mlp-wide.nn."""
from layers import numbered

FIELDS, PICTURES = ('x', 'y'), False


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    names = [numbered('layer', i) for i in range(len(T.P) // 2)]

    def loss(P, x, y):
        for n in names[:-1]:
            x = torch.relu(F.linear(x, P[n + '.weight'], P[n + '.bias']))
        return F.cross_entropy(F.linear(x, P[names[-1] + '.weight'], P[names[-1] + '.bias']), y)
    return loss


def jax_loss(T):
    import jax
    from jax_tools import cross_entropy, linear
    names = [numbered('layer', i) for i in range(len(T.P) // 2)]

    def loss(P, S, x, y):
        for n in names[:-1]:
            x = jax.nn.relu(linear(P, n, x))
        return cross_entropy(linear(P, names[-1], x), y), S
    return loss
