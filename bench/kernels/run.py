"""run.py: every product and convolution of the rows, alone: ours beside OpenBLAS, oneDNN, PyTorch's own and JAX, and the table. Started
by ../run.sh; see ../README.md.

    ROWS="gpt lenet"  of these rows          THREADS=1    default 1        SCALE=1.3   of the rows at another size
    TURNS=5           alternations           SECONDS=0.02 length of a turn
    ADD=1             add to the results that are there: those of other rows stay in the table
"""
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from rows import ROWS, scaled
import shapes

ENV = os.environ.get
BUILD = os.path.abspath(ENV('BUILD', 'build'))
WORK = os.path.join(BUILD, 'bench', 'graphs')
NNC = os.path.join(BUILD, 'nnc')
SCALE, TURNS, SECONDS, THREADS = float(ENV('SCALE', '1')), int(ENV('TURNS', '5')), float(ENV('SECONDS', '0.02')), int(ENV('THREADS', '1'))
PEAK = 'data d { x: [8] = normal() }\nmodel m(x: [8]) -> [1] { x |> dense(1) }\ntrain m on d, batch=8, steps=9 { minimize sum(m(x)^2) by sgd(0.001) }\n'
OF_PEAK = 0.9
HEAD = ('kernel', 'form', 'rows', 'MFLOP', 'us', 'GFLOP/s', 'of peak', 'best other', 'its GFLOP/s', 'ratio', '')


def say(*words): print(*words, file=sys.stderr, flush=True)


class Process:
    """Answers a line with a line."""
    def __init__(self, command, **env):
        bind = lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=bind,
                                        env=dict(os.environ, OMP_NUM_THREADS=str(THREADS), MKL_NUM_THREADS=str(THREADS), **env))
        self.ready = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('no answer of %s' % ' '.join(self.process.args[:3]))
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        result = self.answer()
        return result['seconds'] / result['calls'], result.get('how', '')

    def stop(self):
        self.process.kill()
        self.process.wait()


def openblas():
    """NumPy's, told the kernels for AVX-512 where the processor has it: it does not know every new one by name."""
    import numpy
    folder = os.path.join(os.path.dirname(os.path.dirname(numpy.__file__)), 'numpy.libs')
    names = [n for n in os.listdir(folder) if n.startswith('libscipy_openblas64')] if os.path.isdir(folder) else []
    with open('/proc/cpuinfo') as f:
        core = 'SkylakeX' if ' avx512f ' in f.read() else 'Haswell'
    return (['--blas', os.path.join(folder, names[0])] if names else []), core


def peak():
    page, program = os.path.join(WORK, 'peak.nn'), os.path.join(WORK, 'peak')
    with open(page, 'w') as f:
        f.write(PEAK)
    subprocess.run([NNC, page, '-o', program], check=True)
    out = subprocess.run([program, 'bench', '--json', '--seconds', '0.01', '--threads', str(THREADS)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout.splitlines()[0])['peak_gflops']


def start(kernels):
    files = []
    for i, k in enumerate(kernels):
        files.append(os.path.join(WORK, '%d.ir' % i))
        with open(files[-1], 'w') as f:
            f.write(k.text)
    blas, core = openblas()
    ours = Process([os.path.join(BUILD, 'bench', 'kernels'), '--threads', str(THREADS)] + blas + files, OPENBLAS_CORETYPE=core)
    worker = os.path.join(HERE, 'peers.py')
    others = {n: Process([sys.executable, worker, n, str(THREADS)]) for n in ('torch', 'jax')}
    return ours, bool(blas), others


def measure(i, k, ours, blas, others):
    """-> seconds a call, turn by turn, by who: ours, openblas, onednn, torch, jax"""
    times, w = {}, k.what
    product = isinstance(w, shapes.Product)
    asked = json.dumps(dict(vars(w), kind='product' if product else 'convolution', seconds=SECONDS, **({} if product else dict(ho=w.ho, wo=w.wo))))
    for _ in range(TURNS):
        times.setdefault('ours', []).append(ours.ask('ours %d %g' % (i, SECONDS))[0])
        if product and blas:
            line = 'blas %d %d %d %d %s %s %g' % (w.batch, w.m, w.n, w.k, w.left, w.right, SECONDS)
            times.setdefault('openblas', []).append(ours.ask(line)[0])
        for other in others.values():
            seconds, how = other.ask(asked)
            times.setdefault(how, []).append(seconds)
    return times


def result(k, times, top):
    speed = {who: k.what.operations / statistics.median(t) / 1e9 for who, t in times.items()}
    best = max((w for w in speed if w != 'ours'), key=speed.get)
    ratio = statistics.median(b / a for a, b in zip(times['ours'], times[best]))
    return dict(kernel=str(k.what), form=k.what.form, rows=k.rows, mflop=k.what.operations / 1e6, us=statistics.median(times['ours']) * 1e6,
                speed=speed, best=best, ratio=ratio, of_peak=speed['ours'] / top, peak=top, threads=THREADS, scale=SCALE)


def reached(r): return r['ratio'] >= 1 or r['of_peak'] >= OF_PEAK


def cells(r):
    return [r['kernel'], r['form'], ' '.join(r['rows']), '%.3g' % r['mflop'], '%.3g' % r['us'], '%.4g' % r['speed']['ours'], '%.0f %%' % (100 * r['of_peak']),
            r['best'], '%.4g' % r['speed'][r['best']], '**%.2f**' % r['ratio'], '' if reached(r) else '<']


def table(results):
    text = '\n'.join('| ' + ' | '.join(line) + ' |' for line in [HEAD, ['---'] * len(HEAD)] + [cells(r) for r in results])
    good = sum(map(reached, results))
    return text + '\n\n%d of %d reach 1.0 x the best other or %.0f %% of the peak; geometric mean %.2f; peak %.4g GFLOP/s' % (
        good, len(results), 100 * OF_PEAK, statistics.geometric_mean(r['ratio'] for r in results), max(r['peak'] for r in results))


def main():
    os.makedirs(WORK, exist_ok=True)
    names = (ENV('ROWS') or ' '.join(ROWS)).split()
    path = os.path.join(BUILD, 'bench', 'kernels-%g-%d.json' % (SCALE, THREADS))
    kernels = shapes.kernels(names, NNC, lambda row: os.path.join(os.path.dirname(HERE), row + '.nn'), lambda row: scaled(ROWS[row], SCALE))
    ours, blas, others = start(kernels)
    results = []
    try:
        top = peak()
        for i, k in enumerate(kernels):
            times = measure(i, k, ours, blas, others)
            if i % 10 == 9:
                top = max(top, peak())
            results.append(result(k, times, top))
            say('| ' + ' | '.join(cells(results[-1])) + ' |')
    finally:
        for process in [ours, *others.values()]:
            process.stop()
    for r in results:
        r['peak'], r['of_peak'] = top, r['speed']['ours'] / top
    if ENV('ADD') and os.path.exists(path):
        with open(path) as f:
            new = {(r['kernel'], r['form']): r for r in results}
            for r in json.load(f):
                same = new.get((r['kernel'], r['form']))
                if same:
                    same['rows'] = sorted({*same['rows'], *r['rows']}, key=list(ROWS).index)
                else:
                    results.append(r)
    with open(path, 'w') as f:
        json.dump(results, f, indent=1)
    print('%s; %s; OpenBLAS %s; scale %g, %d thread%s, median of %d turns of %g s' % (
        time.strftime('%Y-%m-%d'), ', '.join(o.ready['version'] for o in others.values()), ours.ready['core'] or 'none', SCALE, THREADS,
        's' if THREADS > 1 else '', TURNS, SECONDS))
    print(table(results))


if __name__ == '__main__':
    main()
