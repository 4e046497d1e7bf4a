"""peers.py: one library in one process, timed when told: `peers.py torch|jax THREADS`.

A line of its input is JSON: a kernel (the fields of shapes.Product or shapes.Convolution, `kind`) and `seconds`; the answer is
{"calls", "seconds", "how"}. The first time that a kernel comes every way to compute it is tried, the fastest is kept:
  torch  products: mm and bmm (MKL in its packages), oneDNN's linear in its three forms; convolutions: oneDNN's, channels first and last
  jax    dot_general; conv_general_dilated and its transposes, and a convolution as patches times a matrix
Operands lie as they do for us, but oneDNN and torch may choose weights the other way round, and channels first.
"""
import json
import sys
import time
from types import SimpleNamespace


class Torch:
    def __init__(self, threads):
        import torch
        self.torch, self.aten = torch, torch.ops.aten
        torch.set_num_threads(threads)
        self.version = 'torch %s, oneDNN %s' % (torch.__version__, next(
            (line.split()[-4] for line in torch.__config__.show().splitlines() if 'MKL-DNN' in line), '?'))

    def wait(self, x): pass

    def product(self, k):
        t, batch = self.torch, [k.batch] if k.batch > 1 else []
        left = t.rand(batch + ([k.m, k.k] if k.left == 'n' else [k.k, k.m]))
        right = t.rand(batch + ([k.k, k.n] if k.right == 'n' else [k.n, k.k]))
        a = left if k.left == 'n' else left.transpose(-1, -2)
        b = right if k.right == 'n' else right.transpose(-1, -2)
        yield 'torch', lambda: t.matmul(a, b)
        if batch or k.left + k.right not in ('nn', 'nt', 'tn'):
            return
        if k.left == 't':
            x, g = right.to_mkldnn(), left.to_mkldnn()
            yield 'onednn', lambda: self.aten.mkldnn_linear_backward_weights(g, x, right, False)[0]
            return
        x, turned = left.to_mkldnn(), b.t().contiguous()
        yield 'onednn', lambda: self.aten.mkldnn_linear(x, turned)
        yield 'onednn', lambda: t.ops.mkldnn._linear_pointwise(left, turned, None, 'none', [], '')
        if k.right == 'n':
            yield 'onednn', lambda: self.aten.mkldnn_linear_backward_input([k.m, k.n], x, right)

    def convolution(self, k):
        t = self.torch
        for format in (t.contiguous_format, t.channels_last):
            new = lambda *shape: t.rand(shape).contiguous(memory_format=format)
            x, w = new(k.n, k.groups * k.c, k.h, k.w), new(k.groups * k.o, k.c, k.kh, k.kw)
            g = new(k.n, k.groups * k.o, k.ho, k.wo)
            pad, stride, one = [k.pad, k.pad], [k.stride, k.stride], [1, 1]
            if k.form == 'forward':
                yield 'onednn', lambda x=x, w=w: self.torch.mkldnn_convolution(x, w, None, pad, stride, one, k.groups)
            else:
                mask = [k.form == 'input gradient', k.form == 'weight gradient', False]
                yield 'onednn', lambda x=x, w=w, g=g: self.aten.convolution_backward(g, x, w, None, stride, pad, one, False, [0, 0], k.groups, mask)


class Jax:
    def __init__(self, threads):
        import jax
        self.jax, self.version = jax, 'jax ' + jax.__version__

    def wait(self, x): self.jax.block_until_ready(x)

    def rand(self, *shape): return self.jax.random.uniform(self.jax.random.key(0), shape)

    def compiled(self, f, *args):
        run = self.jax.jit(f).lower(*args).compile()
        return lambda: run(*args)

    def product(self, k):
        lax = self.jax.lax
        left = self.rand(*[k.batch] * (k.batch > 1), *((k.m, k.k) if k.left == 'n' else (k.k, k.m)))
        right = self.rand(*[k.batch] * (k.batch > 1), *((k.k, k.n) if k.right == 'n' else (k.n, k.k)))
        first = int(k.batch > 1)
        dims = (((first + (k.left == 'n'),), (first + (k.right == 't'),)), (tuple(range(first)),) * 2)
        yield 'jax', self.compiled(lambda a, b: lax.dot_general(a, b, dims), left, right)

    def conv(self, k, x, w):
        return self.jax.lax.conv_general_dilated(x, w, (k.stride,) * 2, [(k.pad, k.pad)] * 2, dimension_numbers=('NHWC', 'HWIO', 'NHWC'))

    def patches(self, k, x, w):
        jnp = self.jax.numpy
        x = jnp.pad(x, ((0, 0), (k.pad, k.pad), (k.pad, k.pad), (0, 0)))
        cut = lambda i, j: x[:, i:i + k.stride * (k.ho - 1) + 1:k.stride, j:j + k.stride * (k.wo - 1) + 1:k.stride]
        parts = jnp.concatenate([cut(i, j) for i in range(k.kh) for j in range(k.kw)], -1)
        return parts.reshape(k.n * k.ho * k.wo, -1).dot(w.reshape(-1, k.o)).reshape(k.n, k.ho, k.wo, k.o)

    def convolution(self, k):
        jax, many = self.jax, (k.groups,) * (k.groups > 1)
        x, w = self.rand(*many, k.n, k.h, k.w, k.c), self.rand(*many, k.kh, k.kw, k.c, k.o)
        g = self.rand(*many, k.n, k.ho, k.wo, k.o)

        def gradient(f, place):
            def back(x, w, g):
                return jax.vjp(lambda v: f(v, w) if place == 0 else f(x, v), (x, w)[place])[1](g)[0]
            return back
        for way in (self.conv, self.patches):
            f = lambda x, w, way=way: way(k, x, w)
            if k.form == 'forward':
                run = lambda x, w, g, f=f: f(x, w)
            else:
                run = gradient(f, 0 if k.form == 'input gradient' else 1)
            maps = [jax.vmap(run), lambda x, w, g: jax.lax.map(lambda a: run(*a), (x, w, g))] if many else [run]
            for mapped in maps:
                yield 'jax', self.compiled(mapped, x, w, g)


def measure(library, run, seconds):
    """As kernels.c does."""
    group, calls = 1, 0
    for _ in range(2):
        library.wait(run())
    start = time.perf_counter()
    while True:
        for _ in range(group):
            last = run()
        library.wait(last)
        calls += group
        gone = time.perf_counter() - start
        if gone >= seconds:
            return dict(calls=calls, seconds=gone)
        group = max(1, int(calls * 0.2))


def fastest(library, k, seconds):
    best = None
    for how, run in getattr(library, k.kind)(k):
        try:
            result = measure(library, run, seconds)
        except RuntimeError as why:
            print('%s: %s' % (how, why), file=sys.stderr)
            continue
        speed = result['calls'] / result['seconds']
        if best is None or speed > best[0]:
            best = speed, how, run
    return best[1:]


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    library, ways = (Torch if name == 'torch' else Jax)(threads), {}
    print(json.dumps(dict(ready=name, version=library.version)), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, key = asked.pop('seconds'), json.dumps(asked)
        if key not in ways:
            ways[key] = fastest(library, SimpleNamespace(**asked), seconds / 4)
        how, run = ways[key]
        print(json.dumps(dict(measure(library, run, seconds), how=how)), flush=True)


if __name__ == '__main__':
    main()
