"""learned.py: the peers of learned.nn. Variant: cell (torch's own fused cell)."""
FIELDS, PICTURES = ('w', 'y', 'start'), False


def torch_loss(T):
    import torch
    import torch.nn.functional as F
    H = T.weights['cell.recurrent'].shape[0]

    def cell(P, n, x, h, c):
        K, R, b, inner = (P[n + s] for s in ('.kernel', '.recurrent', '.bias', '.inner'))
        if 'cell' in T.variant:
            return torch._VF.lstm_cell(x, (h, c), K, R, b, inner)
        g = torch.addmm(b + inner, h, R.t())
        g = g + x * K.t() if x.shape[1] == 1 else torch.addmm(g, x, K.t())
        i, f, u, o = g.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(c), c

    def loss(P, W, y, theta):
        n, total = W.shape[0], 0.
        h0 = c0 = h1 = c1 = torch.zeros(n * 10, H)
        WT = W.transpose(1, 2)
        rest = torch.bmm(W, theta.unsqueeze(2)).squeeze(2) - y
        for _ in range(20):
            g = 2 * torch.bmm(WT, rest.detach().unsqueeze(2))
            h0, c0 = cell(P, 'cell', g.view(-1, 1), h0, c0)
            h1, c1 = cell(P, 'cell_2', h0, h1, c1)
            theta = theta + F.linear(h1, P['amount.weight'], P['amount.bias']).view(n, 10)
            rest = torch.bmm(W, theta.unsqueeze(2)).squeeze(2) - y
            total = total + rest.square().sum(1).mean()
        return total
    return loss


def jax_loss(T):
    import jax
    import jax.numpy as jnp
    from jax_tools import linear
    H = T.P['cell.recurrent'].shape[0]

    def cell(P, n, x, h, c):
        z = x * P[n + '.kernel'] if x.shape[1] == 1 else x @ P[n + '.kernel']
        i, f, u, o = jnp.split(z + h @ P[n + '.recurrent'] + (P[n + '.bias'] + P[n + '.inner']), 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(u)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def loss(P, S, W, y, theta):
        n = W.shape[0]
        zero = jnp.zeros((n * 10, H))
        q = lambda theta: jnp.square(jnp.einsum('bij,bj->bi', W, theta) - y).sum()

        def round_(carry, _):
            theta, h0, c0, h1, c1 = carry
            g = jax.lax.stop_gradient(jax.grad(q)(theta))
            h0, c0 = cell(P, 'cell', g.reshape(-1, 1), h0, c0)
            h1, c1 = cell(P, 'cell_2', h0, h1, c1)
            theta = theta + linear(P, 'amount', h1).reshape(n, 10)
            return (theta, h0, c0, h1, c1), q(theta) / n
        return jax.lax.scan(round_, (theta, zero, zero, zero, zero), None, length=20)[1].sum(), S
    return loss
