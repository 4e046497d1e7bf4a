"""gpt.py: the peers of gpt.nn. Variant: manual (torch's attention written out)."""
import math
from layers import numbered

FIELDS, PICTURES = ('x', 'y'), False
BLOCKS = [numbered('block', i) + '.' for i in range(4)]
HEADS = 4


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    t, d = T.weights['place'].shape
    past = torch.ones(t, t, dtype=torch.bool).triu(1)

    def norm(P, n, x): return F.layer_norm(x, (d,), P[n + '.scale'], P[n + '.shift'], 1e-5)
    def linear(P, n, x): return F.linear(x, P[n + '.weight'], P[n + '.bias'])

    def attend(q, k, v):
        if 'manual' not in T.variant:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        s = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(d // HEADS))
        return torch.softmax(s.masked_fill(past, -math.inf), -1) @ v

    def loss(P, x, y):
        B = x.shape[0]
        h = F.embedding(x, P['table']) + P['place']
        for b in BLOCKS:
            a = linear(P, b + 'self_attention.inward', norm(P, b + 'layer_norm', h))
            q, k, v = a.view(B, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
            a = attend(q, k, v).transpose(1, 2).reshape(B, t, d)
            h = h + linear(P, b + 'self_attention.outward', a)
            a = F.gelu(linear(P, b + 'linear', norm(P, b + 'layer_norm_2', h)), approximate='tanh')
            h = h + linear(P, b + 'linear_2', a)
        s = F.linear(norm(P, 'layer_norm', h), P['head'])
        return F.cross_entropy(s.view(-1, s.shape[-1]), y.reshape(-1))
    return loss


def jax_loss(T):
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax_tools import cross_entropy, linear
    t, d = T.P['place'].shape
    past = np.tril(np.ones((t, t), bool))

    def norm(P, n, x):
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-5) * P[n + '.scale'] + P[n + '.shift']

    def loss(P, S, x, y):
        B = x.shape[0]
        h = P['table'][x] + P['place']
        for b in BLOCKS:
            a = linear(P, b + 'self_attention.inward', norm(P, b + 'layer_norm', h)).reshape(B, t, 3, HEADS, d // HEADS)
            q, k, v = a[:, :, 0], a[:, :, 1], a[:, :, 2]
            s = jnp.einsum('bqhd,bkhd->bhqk', q, k) * (1 / math.sqrt(d // HEADS))
            s = jax.nn.softmax(jnp.where(past, s, -jnp.inf), -1)
            a = jnp.einsum('bhqk,bkhd->bqhd', s, v).reshape(B, t, d)
            h = h + linear(P, b + 'self_attention.outward', a)
            a = jax.nn.gelu(linear(P, b + 'linear', norm(P, b + 'layer_norm_2', h)), approximate=True)
            h = h + linear(P, b + 'linear_2', a)
        return cross_entropy(norm(P, 'layer_norm', h) @ P['head'], y), S
    return loss
