"""maml_conv.py: the peers of maml-conv.nn. Tasks by vmap; jax: or by lax.map (map)."""
from layers import numbered

FIELDS, PICTURES = ('support_x', 'support_y', 'query_x', 'query_y'), True
NAMES = [(numbered('conv', i), numbered('batch_norm', i)) for i in range(4)]


def torch_loss(T):
    import torch
    import torch.nn.functional as F

    def one(p, x, y):
        for c, n in NAMES:
            x = F.conv2d(x, p[c + '.weight'], stride=2, padding=1)
            x = torch.relu(F.batch_norm(x, None, None, p[n + '.scale'], p[n + '.shift'], True, 0.1, 1e-5))
        return F.cross_entropy(F.linear(x.mean((2, 3)), p['layer.weight'], p['layer.bias']), y)
    gradient = torch.func.grad(one)

    def task(p, xs, ys, xq, yq):
        d = gradient(p, xs, ys)
        return one({k: p[k] - 0.4 * d[k] for k in p}, xq, yq)
    tasks = torch.func.vmap(task, in_dims=(None, 0, 0, 0, 0))
    return lambda P, *batch: tasks(P, *batch).mean()


def jax_loss(T):
    import jax
    from jax_tools import batch_norm, cross_entropy, linear

    def one(p, x, y):
        for c, n in NAMES:
            x = jax.nn.relu(batch_norm(p, n, T.conv(x, p[c + '.weight'], 2, 1))[0])
        return cross_entropy(linear(p, 'layer', x.mean((1, 2))), y)

    def task(p, xs, ys, xq, yq):
        d = jax.grad(one)(p, xs, ys)
        return one({k: p[k] - 0.4 * d[k] for k in p}, xq, yq)

    def loss(P, S, *batch):
        if 'map' in T.variant:
            return jax.lax.map(lambda a: task(P, *a), batch).mean(), S
        return jax.vmap(task, in_axes=(None, 0, 0, 0, 0))(P, *batch).mean(), S
    return loss
