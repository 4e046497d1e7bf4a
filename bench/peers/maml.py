"""maml.py: the peers of maml.nn. Variants: bmm (batched products with an axis of tasks), vmap; jax: map."""
FIELDS, PICTURES = ('support_x', 'support_y', 'query_x', 'query_y'), False
LAYERS = ('layer', 'layer_2', 'layer_3')


def torch_vmap(T):
    import torch
    import torch.nn.functional as F

    def mse(p, x, y):
        for n in LAYERS[:2]:
            x = torch.relu(F.linear(x, p[n + '.weight'], p[n + '.bias']))
        return F.mse_loss(F.linear(x, p['layer_3.weight'], p['layer_3.bias']), y)
    gradient = torch.func.grad(mse)

    def task(p, xs, ys, xq, yq):
        for _ in range(5):
            d = gradient(p, xs, ys)
            p = {k: p[k] - 0.01 * d[k] for k in p}
        return mse(p, xq, yq)
    tasks = torch.func.vmap(task, in_dims=(None, 0, 0, 0, 0))
    return lambda P, *batch: tasks(P, *batch).mean()


def torch_bmm(T):
    import torch

    def mse(vs, x, y):
        w0, b0, w1, b1, w2, b2 = vs
        h = torch.relu(torch.baddbmm(b0, x, w0))
        h = torch.relu(torch.baddbmm(b1, h, w1))
        return (torch.baddbmm(b2, h, w2) - y).square().mean((1, 2))
    gradient = torch.func.grad(lambda vs, x, y: mse(vs, x, y).sum())

    def loss(P, xs, ys, xq, yq):
        n, vs = xs.shape[0], []
        for k in LAYERS:
            vs.append(P[k + '.weight'].t().unsqueeze(0).expand(n, -1, -1))
            vs.append(P[k + '.bias'].view(1, 1, -1).expand(n, 1, -1))
        for _ in range(5):
            if T.compiled:
                d = gradient(vs, xs, ys)
            else:
                d = torch.autograd.grad(mse(vs, xs, ys).sum(), vs, create_graph=True)
            vs = [v - 0.01 * e for v, e in zip(vs, d)]
        return mse(vs, xq, yq).mean()
    return loss


def torch_loss(T):
    return torch_bmm(T) if 'bmm' in T.variant else torch_vmap(T)


def jax_loss(T):
    import jax
    import jax.numpy as jnp
    from jax_tools import linear

    def mse(p, x, y):
        for n in LAYERS[:2]:
            x = jax.nn.relu(linear(p, n, x))
        return jnp.square(linear(p, 'layer_3', x) - y).mean()

    def task(p, xs, ys, xq, yq):
        for _ in range(5):
            d = jax.grad(mse)(p, xs, ys)
            p = {k: p[k] - 0.01 * d[k] for k in p}
        return mse(p, xq, yq)

    def loss(P, S, *batch):
        if 'map' in T.variant:
            return jax.lax.map(lambda a: task(P, *a), batch).mean(), S
        return jax.vmap(task, in_axes=(None, 0, 0, 0, 0))(P, *batch).mean(), S
    return loss
