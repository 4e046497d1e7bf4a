"""worker.py: one peer in one process: builds its step, says when the first is done, then measures when told to.

  worker.py --row mlp --impl torch|compile|jax --threads 1 --variant a+b --weights model.safetensors --data FOLDER

Talks in lines of JSON.  It says {"ready": ...} after the first step, with the loss of that step on the first batch, the
seconds since it was started (without those that reading data and weights took), and the count of its parameters.  Then each line
`SECONDS` on its input is answered by a measurement of about so long; the end of the input ends it.
"""
import time
START = time.perf_counter()
import argparse
import importlib
import json
import os
import resource
import shutil
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def options():
    ap = argparse.ArgumentParser()
    ap.add_argument('--row', required=True)
    ap.add_argument('--impl', required=True, choices=['torch', 'compile', 'jax'])
    ap.add_argument('--threads', type=int, default=1)
    ap.add_argument('--variant', default='-')
    ap.add_argument('--weights', required=True)
    ap.add_argument('--data', required=True)
    return ap.parse_args()


def weights_read(path):
    """The parameters that our program starts from: name without the model's own -> array."""
    import numpy as np
    with open(path, 'rb') as f:
        size, = struct.unpack('<Q', f.read(8))
        head = json.loads(f.read(size))
        body = f.read()
    out = {}
    for name, leaf in head.items():
        if name == '__metadata__' or '/' in name or name.split('.')[-1].startswith('seen_'):
            continue
        low, high = leaf['data_offsets']
        out[name.split('.', 1)[1]] = np.frombuffer(body[low:high], np.float32).reshape(leaf['shape']).copy()
    return out


def data_read(folder):
    """The fields of the row."""
    import numpy as np
    names = [n for n in os.listdir(folder) if n.endswith('.npy')]
    return {n[:-4]: np.load(os.path.join(folder, n)) for n in names}


def waited():
    """Seconds of CPU this process has had, all threads."""
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def measure(peer, at, seconds):
    """Steps for about `seconds`, in groups, so that asking for the time costs nothing."""
    group, n = 1, 0
    peer.sync(peer.step(at))
    at += 1
    start, cpu = time.perf_counter(), waited()
    while True:
        for _ in range(group):
            loss = peer.step(at)
            at += 1
        n += group
        peer.sync(loss)
        gone = time.perf_counter() - start
        if gone >= seconds:
            break
        group = max(1, min(int(n * 0.1), int((seconds - gone) / gone * n) + 1))
    return at, dict(steps=n, seconds=gone, cpu=waited() - cpu,
                    rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main():
    A = options()
    os.environ['OMP_NUM_THREADS'] = os.environ['MKL_NUM_THREADS'] = str(A.threads)
    kept = os.environ.get('TORCHINDUCTOR_CACHE_DIR')  # whoever sets it wants no cold compile, and knows what the first step then says
    cache = tempfile.mkdtemp(prefix='bench-inductor-') if A.impl == 'compile' and not kept else None
    if cache:
        os.environ['TORCHINDUCTOR_CACHE_DIR'] = cache  # a cold compile
    try:
        from rows import ROWS
        began = time.perf_counter()
        weights, data = weights_read(A.weights), data_read(A.data)
        reading = time.perf_counter() - began
        variant = set(A.variant.split('+')) - {'-'}
        tools = importlib.import_module('jax_tools' if A.impl == 'jax' else 'torch_tools')
        peer = tools.Peer(ROWS[A.row], A, variant, weights, data)
        loss = peer.step(0)
        peer.sync(loss)
        print(json.dumps(dict(ready=A.impl, variant=A.variant, loss=float(loss), parameters=peer.parameters,
                              first_step_s=time.perf_counter() - START - reading, version=peer.version)), flush=True)
        at = 1
        for line in sys.stdin:
            at, result = measure(peer, at, float(line))
            print(json.dumps(result), flush=True)
    finally:
        if cache:
            shutil.rmtree(cache, ignore_errors=True)


if __name__ == '__main__':
    main()
