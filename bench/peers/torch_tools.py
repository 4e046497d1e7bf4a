"""torch_tools.py: PyTorch, eager and compiled: weights and data in its layouts, the step, the optimizer.

Variants: foreach (optimizer foreach instead of fused), cl (channels last); compile: whole (loss, gradient and optimizer
in one compiled function), cppw (inductor's C++ wrapper), tune (max-autotune); some rows have words of their own.
A row's file gives torch_loss(T): a function (P, *batch) -> loss; P has the names of our leaves.
"""
import importlib
import numpy as np
import torch
from rows import BATCHES

RATE = {'adam': 1e-3, 'sgd': 2e-3}
MATRICES = ('weight', 'kernel', 'recurrent', 'head')


class Peer:
    version = torch.__version__

    def __init__(self, row, A, variant, weights, data):
        torch.set_num_threads(A.threads)
        torch.set_flush_denormal(True)
        self.row, self.variant, self.compiled = row, variant, A.impl == 'compile'
        self.channels_last = 'cl' in variant
        self.weights = weights
        self.module = importlib.import_module(row.peer)
        self.P = {k: self.parameter(k, a).requires_grad_() for k, a in weights.items()}
        self.extra = []  # parameters of torch's own modules, which replace some of P
        self.loss = self.module.torch_loss(self)
        self.leaves = list(self.P.values()) + self.extra
        self.parameters = sum(p.numel() for p in self.leaves)
        self.data = [self.field(data[k]) for k in self.module.FIELDS]
        kind = dict(mode='max-autotune') if 'tune' in variant else {}
        if self.compiled and 'cppw' in variant:
            importlib.import_module('torch._inductor.config').cpp_wrapper = True
        if self.compiled and 'whole' in variant:
            self.step_whole(kind)
        else:
            self.step_plain(kind)

    def sync(self, loss):
        pass

    def parameter(self, name, a):
        """Ours are [in, out], [y, x, in, out]; torch wants [out, in], [out, in, y, x]."""
        flat = getattr(self.module, 'FLATTENED', {}).get(name)  # dense after flatten: the channel is torch's first axis
        if flat:
            side, channels = flat(self.weights)
            a = a.reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(a.shape)
        if a.ndim == 4:
            t = torch.from_numpy(np.ascontiguousarray(a.transpose(3, 2, 0, 1)))
            return t.contiguous(memory_format=torch.channels_last) if self.channels_last else t
        if a.ndim == 2 and name.split('.')[-1] in MATRICES:
            return torch.from_numpy(np.ascontiguousarray(a.T))
        return torch.from_numpy(a.copy())

    def field(self, a):
        if a.dtype == np.uint8:
            return torch.from_numpy(a.astype(np.int64))
        if not self.module.PICTURES:
            return torch.from_numpy(a)
        t = torch.from_numpy(np.ascontiguousarray(np.moveaxis(a, -1, -3)))
        return t.contiguous(memory_format=torch.channels_last) if self.channels_last and t.ndim == 4 else t

    def batch(self, i):
        s = i % BATCHES * self.row.batch
        return [d[s:s + self.row.batch] for d in self.data]

    def step_plain(self, kind):
        how = dict(foreach=True) if 'foreach' in self.variant else dict(fused=True)
        rate = RATE[self.row.optimizer]
        opt = (torch.optim.Adam(self.leaves, lr=rate, **how) if self.row.optimizer == 'adam'
               else torch.optim.SGD(self.leaves, lr=rate, momentum=0.9, **how))
        loss = torch.compile(self.loss, **kind) if self.compiled else self.loss

        def step(i):
            opt.zero_grad(set_to_none=True)
            value = loss(self.P, *self.batch(i))
            value.backward()
            opt.step()
            return value.detach()
        self.step = step

    def step_whole(self, kind):
        assert not self.extra
        keys, ps, rate = list(self.P), [p.detach() for p in self.leaves], RATE[self.row.optimizer]
        gradient = torch.func.grad_and_value(self.loss)
        m = [torch.zeros_like(p) for p in ps]
        v, t = [torch.zeros_like(p) for p in ps], torch.zeros(())

        def adam(ps, m, v, t, *batch):
            g, value = gradient(dict(zip(keys, ps)), *batch)
            t += 1
            s1, s2 = rate / (1 - 0.9 ** t), 1 / torch.sqrt(1 - 0.999 ** t)
            for p, a, q, k in zip(ps, m, v, keys):
                a.copy_(0.9 * a + 0.1 * g[k])
                q.copy_(0.999 * q + 0.001 * g[k] * g[k])
                p.sub_(s1 * a / (torch.sqrt(q) * s2 + 1e-8))
            return value

        def sgd(ps, m, v, t, *batch):
            g, value = gradient(dict(zip(keys, ps)), *batch)
            for p, a, k in zip(ps, m, keys):
                a.copy_(0.9 * a + g[k])
                p.sub_(rate * a)
            return value
        whole = torch.compile(adam if self.row.optimizer == 'adam' else sgd, **kind)
        self.step = lambda i: whole(ps, m, v, t, *self.batch(i))
