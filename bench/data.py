"""data.py: what the rows train on: drawn once, the same for everybody, of the shapes and sizes of the usual sets.

Each function gives the fields of BATCHES batches: name -> array [BATCHES * batch, ...]; bytes are classes.  `store`
writes each as NAME.idx (for our pages) and NAME.npy (for the peers).
"""
import math
import os
import struct
import numpy as np
from rows import BATCHES

F32 = np.float32


def classes(r, n, shape):
    """Ten kinds: a pattern of each kind under noise."""
    y = r.integers(0, 10, n).astype(np.uint8)
    pattern = r.standard_normal((10,) + shape).astype(F32)
    return dict(x=r.standard_normal((n,) + shape).astype(F32) + F32(0.3) * pattern[y], y=y)


def vectors64(r, n): return classes(r, n, (64,))
def vectors784(r, n): return classes(r, n, (784,))
def pictures28(r, n): return classes(r, n, (28, 28, 1))
def pictures32(r, n): return classes(r, n, (32, 32, 3))
def rows28(r, n): return classes(r, n, (28, 28))


def text(r, n, length):
    """Characters that follow from the one before, two bits of chance each; the target is the next one."""
    s = np.empty((n, length + 1), np.int64)
    s[:, 0] = r.integers(0, 256, n)
    for i in range(length):
        s[:, i + 1] = (5 * s[:, i] + 7 + r.integers(0, 4, n)) % 256
    return dict(x=s[:, :-1].astype(np.uint8), y=s[:, 1:].astype(np.uint8))


def text128(r, n): return text(r, n, 128)
def text64(r, n): return text(r, n, 64)


def waves(r, n):
    amplitude, phase = r.uniform(0.1, 5, (n, 1, 1)), r.uniform(0, math.pi, (n, 1, 1))
    x = r.uniform(-5, 5, (n, 20, 1))
    y = (amplitude * np.sin(x - phase)).astype(F32)
    x = x.astype(F32)
    return dict(support_x=x[:, :10], support_y=y[:, :10], query_x=x[:, 10:], query_y=y[:, 10:])


def tasks(r, n):
    """Five kinds of a task, in an order of its own, to learn from and to be judged by."""
    pattern = r.standard_normal((n, 5, 28, 28, 1)).astype(F32)
    noise = lambda: F32(0.7) * r.standard_normal((n, 5, 28, 28, 1)).astype(F32)
    y = np.argsort(r.uniform(size=(n, 5)), axis=1).astype(np.uint8)
    order = np.argsort(r.uniform(size=(n, 5)), axis=1)
    query = np.take_along_axis(pattern + noise(), order[:, :, None, None, None], 1)
    return dict(support_x=pattern + noise(), support_y=y, query_x=query, query_y=np.take_along_axis(y, order, 1))


def episodes(r, n):
    """20 kinds, five pictures of each to learn from, then five of each to be judged by."""
    pattern = r.standard_normal((n, 20, 1, 28, 28, 1)).astype(F32)
    half = lambda: (pattern + F32(1.5) * r.standard_normal((n, 20, 5, 28, 28, 1)).astype(F32)).reshape(n, 100, 28, 28, 1)
    return dict(images=np.concatenate([half(), half()], 1))


def quadratics(r, n):
    draw = lambda *s: r.standard_normal((n,) + s).astype(F32)
    return dict(w=draw(10, 10), y=draw(10), start=draw(10))


def store(row, folder):
    """Writes the fields of a row, if they are not there."""
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(os.path.join(folder, 'complete')):
        return
    for name, a in globals()[row.data](np.random.default_rng(7), BATCHES * row.batch).items():
        a = np.ascontiguousarray(a)
        np.save(os.path.join(folder, name + '.npy'), a)
        with open(os.path.join(folder, name + '.idx'), 'wb') as f:
            f.write(bytes([0, 0, 0x08 if a.dtype == np.uint8 else 0x0D, a.ndim]) + struct.pack('>%dI' % a.ndim, *a.shape))
            f.write(a.tobytes() if a.dtype == np.uint8 else a.astype('>f4').tobytes())
    open(os.path.join(folder, 'complete'), 'w').close()
