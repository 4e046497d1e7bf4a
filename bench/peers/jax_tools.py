"""jax_tools.py: JAX: one jitted function of loss, gradient and optimizer, parameters and states donated.

Variants: im2col (a convolution as patches times a matrix), window (pooling by reduce_window), slice (by strided slices),
map (lax.map over tasks instead of vmap).
A row's file gives jax_loss(T): a function (P, S, *batch) -> (loss, S); P has the names of our leaves, S is what running
statistics there are.
"""
import importlib
from functools import partial
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from rows import BATCHES


class Peer:
    version = jax.__version__

    def __init__(self, row, A, variant, weights, data):
        self.row, self.variant = row, variant
        module = importlib.import_module(row.peer)
        self.P = {k: jnp.asarray(a) for k, a in weights.items()}
        self.parameters = sum(int(a.size) for a in self.P.values())
        self.S = {}
        loss = module.jax_loss(self)
        self.data = [data[k].astype(np.int32) if data[k].dtype == np.uint8 else data[k] for k in module.FIELDS]
        opt = optax.adam(1e-3) if row.optimizer == 'adam' else optax.sgd(2e-3, momentum=0.9)

        @partial(jax.jit, donate_argnums=(0, 1, 2))
        def step(P, S, O, *batch):
            (value, S), g = jax.value_and_grad(loss, has_aux=True)(P, S, *batch)
            u, O = opt.update(g, O)
            return optax.apply_updates(P, u), S, O, value
        self.jitted = step
        self.state = [self.P, self.S, jax.jit(opt.init)(self.P)]

    def step(self, i):
        s = i % BATCHES * self.row.batch
        self.state[0], self.state[1], self.state[2], value = self.jitted(*self.state, *[d[s:s + self.row.batch] for d in self.data])
        return value

    def sync(self, value):
        jax.block_until_ready((self.state, value))

    # ---- layers of several rows
    def conv(self, x, k, stride=1, pad=0):
        if 'im2col' not in self.variant:
            return lax.conv_general_dilated(x, k, (stride, stride), [(pad, pad)] * 2, dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
        n, h, w, _ = x.shape
        kh, kw, _, o = k.shape
        x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        ho, wo = (h + 2 * pad - kh) // stride + 1, (w + 2 * pad - kw) // stride + 1
        cut = lambda i, j: x[:, i:i + stride * (ho - 1) + 1:stride, j:j + stride * (wo - 1) + 1:stride]
        patches = jnp.concatenate([cut(i, j) for i in range(kh) for j in range(kw)], -1)
        return patches.reshape(n * ho * wo, -1).dot(k.reshape(-1, o)).reshape(n, ho, wo, o)

    def max_pool(self, x):
        n, h, w, c = x.shape
        if 'window' in self.variant:
            return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID')
        x = x[:, :h // 2 * 2, :w // 2 * 2]
        if 'slice' in self.variant:
            return jnp.maximum(jnp.maximum(x[:, ::2, ::2], x[:, 1::2, ::2]), jnp.maximum(x[:, ::2, 1::2], x[:, 1::2, 1::2]))
        return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))

    def avg_pool(self, x):
        n, h, w, c = x.shape
        if 'window' in self.variant:
            return lax.reduce_window(x, 0., lax.add, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID') * 0.25
        return x.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4))


def cross_entropy(scores, y):
    return (jax.nn.logsumexp(scores, -1) - jnp.take_along_axis(scores, y[..., None], -1)[..., 0]).mean()


def linear(P, name, x):
    return x @ P[name + '.weight'] + P[name + '.bias']


def batch_norm(P, name, x):
    """-> normalised, mean, variance"""
    m = x.mean((0, 1, 2))
    v = jnp.maximum((x * x).mean((0, 1, 2)) - m * m, 0)
    return (x - m) * (lax.rsqrt(v + 1e-5) * P[name + '.scale']) + P[name + '.shift'], m, v


def lstm(P, name, x, reverse=False):
    """x [batch, time, n] -> states [time, batch, units], last state"""
    z = jnp.swapaxes(x @ P[name + '.kernel'] + (P[name + '.bias'] + P[name + '.inner']), 0, 1)
    R = P[name + '.recurrent']
    zero = jnp.zeros((x.shape[0], R.shape[0]), x.dtype)

    def cell(hc, zt):
        h, c = hc
        i, f, u, o = jnp.split(zt + h @ R, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(u)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    (h, _), hs = lax.scan(cell, (zero, zero), z, reverse=reverse)
    return hs, h
