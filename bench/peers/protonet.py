"""protonet.py: the peers of protonet.nn: 20 ways, 5 shots, 5 queries."""
from layers import numbered

FIELDS, PICTURES = ('images',), True
NAMES = [(numbered('conv', i), numbered('batch_norm', i)) for i in range(4)]


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    label = torch.arange(20).repeat_interleave(5)

    def loss(P, images):
        x = images[0]
        if T.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        for c, n in NAMES:
            x = F.conv2d(x, P[c + '.weight'], padding=1)
            x = torch.relu(F.batch_norm(x, None, None, P[n + '.scale'], P[n + '.shift'], True, 0.1, 1e-5))
            x = F.max_pool2d(x, 2)
        e = x.flatten(1)
        prototypes = e[:100].view(20, 5, -1).mean(1)
        distance = (e[100:].unsqueeze(1) - prototypes.unsqueeze(0)).square().sum(-1)
        return F.cross_entropy(-distance, label)
    return loss


def jax_loss(T):
    import jax
    import jax.numpy as jnp
    from jax_tools import batch_norm, cross_entropy
    label = jnp.repeat(jnp.arange(20), 5)

    def loss(P, S, images):
        x = images[0]
        for c, n in NAMES:
            x = T.max_pool(jax.nn.relu(batch_norm(P, n, T.conv(x, P[c + '.weight'], 1, 1))[0]))
        e = x.reshape(200, -1)
        prototypes = e[:100].reshape(20, 5, -1).mean(1)
        return cross_entropy(-jnp.square(e[100:, None] - prototypes[None]).sum(-1), label), S
    return loss
