"""run.py: measures the rows side by side and prints the table. Started by run.sh, in the environment that it makes.

    ROWS="mlp lenet"   only these           THREADS=1      only so many threads (default: 1, then 2)
    SCALE=1.3          all sizes times 1.3  TURNS=7        alternations        SECONDS=0.5  length of a turn
    SCALE="1 0.7 1.3"  each of them: a column says how much of the first one's ratio, to its best peer, a row keeps at the others
    PEERS="jax"        only these           VARIANTS=all   also the variants that were slower when last compared
    QUIET=8            for a machine that others use: a turn in which they were busy is tried again, up to so many times
    CLOCK=cpu          rates by the CPU time a process had, not by the wall (one thread)

With more than one thread, ours on one takes its turns too: `to one`. In the table `ratio` is the median of the ratios turn by turn, to
the peer whose median rate is the highest; `of bests` compares the fastest turn of each, which says more where others use the machine.

Ours is asked anew each turn (`ROW bench`); a peer is one process that lives through all turns (worker.py), since some take a
minute to start. All are bound to the same cores. The results, turn by turn, are written to build/bench/results-*.json.
"""
import json
import os
import platform
import resource
import selectors
import shutil
import statistics
import subprocess
import sys
import time
import data
from rows import ROWS, scaled

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('BUILD', 'build'))
WORK = os.path.join(BUILD, 'bench')
ENV = os.environ.get
SCALES, TURNS, SECONDS = [float(s) for s in ENV('SCALE', '1').split()], int(ENV('TURNS', '7')), float(ENV('SECONDS', '0.5'))
PEERS, CLOCK, QUIET = ENV('PEERS', 'torch compile jax').split(), ENV('CLOCK', 'wall'), int(ENV('QUIET', '1'))
DISTURBED = 0.1           # CPUs that others kept busy during a turn, on average, from which on it is tried again
FIRST_STEP_LIMIT = 120.0  # seconds that a peer may take to its first step
TOLERANCE = 2e-4          # of the first losses, relative


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def bind(threads):
    return lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def run(command, threads=2):
    """-> standard output, wall seconds, CPU seconds"""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=bind(threads))
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError('%s: exit %d: %s' % (' '.join(command), done.returncode, done.stderr[-400:].strip()))
    return done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def busy():
    """Seconds of CPU that the whole machine has spent."""
    with open('/proc/stat') as f:
        user, nice, system, idle, wait, *rest = map(int, f.readline().split()[1:9])
    return (user + nice + system + sum(rest[:2])) / os.sysconf('SC_CLK_TCK')


def turn(x):
    """One measurement of x, of the QUIET tries the least disturbed. Each has its rate; `others` is how many CPUs were busy with
    something else: two virtual CPUs may be one core, so a neighbour takes half even where it takes no time."""
    best = None
    for _ in range(QUIET):
        start, before = time.perf_counter(), busy()
        result = x.turn()
        wall = time.perf_counter() - start
        result['others'] = max(0.0, (busy() - before - result['used']) / wall)
        if best is None or result['others'] < best['others']:
            best = result
        if best['others'] < DISTURBED:
            break
        time.sleep(0.3)
    return best


def event(text, kind):
    """The first JSON line of this event."""
    return next(e for e in map(json.loads, text.splitlines()) if e['event'] == kind)


class Ours:
    def __init__(self, name, threads, scale):
        row = ROWS[name]
        self.folder = os.path.join(WORK, 'data', '%s-%d' % (row.data, row.batch))
        data.store(row, self.folder)
        self.name, self.threads, self.scale = name, threads, scale
        self.program = os.path.join(WORK, name if scale == 1 else '%s-%g' % (name, scale))
        self.weights = self.program + '.start'
        sizes = [w for k, v in scaled(row, scale).items() for w in ('-D', '%s=%d' % (k, v))]
        page = shutil.copy(os.path.join(HERE, name + '.nn'), self.folder)  # beside its files: their element type is compiled in
        _, build, _ = run([os.path.join(BUILD, 'nnc'), page, '-o', self.program] + sizes)
        _, first, _ = run([self.program, 'bench', '--steps', '1', '--threads', str(threads)], threads)
        self.first_step = build + first
        self.size = os.path.getsize(self.program)
        self.parameters = json.loads(run([self.program, 'info', '--json'])[0])['parameters']
        train = [self.program, 'train', '--order', 'file', '--json', '--replace']
        run(train + ['--steps', '0', '--out', self.weights])
        self.loss = event(run(train + ['--steps', '1', '--out', self.program + '.first'])[0], 'round')['loss']

    def turn(self):
        out, wall, cpu = run([self.program, 'bench', '--json', '--order', 'file', '--seconds', str(SECONDS), '--threads',
                              str(self.threads)], self.threads)
        result = event(out, 'bench')
        share = min(1.0, cpu / wall)
        result['rate'] = result['examples_per_s'] / (share if CLOCK == 'cpu' else 1)
        for key in ('gflops', 'peak_gflops'):
            result[key] = result[key] or 0.0
        result['share'], result['used'] = share, cpu
        return result


class Alone:
    """Ours on one thread."""
    def __init__(self, ours): self.ours = ours

    def turn(self):
        threads, self.ours.threads = self.ours.threads, 1
        try:
            return self.ours.turn()
        finally:
            self.ours.threads = threads


class Peer:
    def __init__(self, ours, impl, variant):
        self.impl, self.variant, self.batch = impl, variant, ROWS[ours.name].batch
        self.log = open(os.path.join(WORK, '%s-%s.log' % (ours.name, impl)), 'w')
        command = [sys.executable, os.path.join(HERE, 'peers', 'worker.py'), '--row', ours.name, '--impl', impl, '--variant', variant,
                   '--threads', str(ours.threads), '--weights', os.path.join(ours.weights, 'model.safetensors'), '--data', ours.folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        preexec_fn=bind(ours.threads))
        self.ready = self.answer(FIRST_STEP_LIMIT)
        self.check(ours)

    def answer(self, limit):
        with selectors.DefaultSelector() as wait:
            wait.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if wait.select(limit) else ''
        if not line:
            self.stop()
            raise RuntimeError('%s (%s): no answer; see %s' % (self.impl, self.variant, self.log.name))
        return json.loads(line)

    def check(self, ours):
        """The same net: as many parameters, and from the same weights the same loss on the first batch."""
        if self.ready['parameters'] != ours.parameters:
            self.stop()
            raise RuntimeError('%s: %d parameters, ours %d' % (self.impl, self.ready['parameters'], ours.parameters))
        if not abs(self.ready['loss'] - ours.loss) <= TOLERANCE * max(1, abs(ours.loss)):
            self.stop()
            raise RuntimeError('%s: first loss %g, ours %g' % (self.impl, self.ready['loss'], ours.loss))

    def turn(self):
        self.process.stdin.write('%g\n' % SECONDS)
        self.process.stdin.flush()
        result = self.answer(60 + 20 * SECONDS)
        share = min(1.0, result['cpu'] / result['seconds'])
        result['rate'] = result['steps'] * self.batch / result['seconds'] / (share if CLOCK == 'cpu' else 1)
        result['share'], result['used'] = share, result['cpu']
        return result

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def peers_start(ours, impls):
    row, peers, failed = ROWS[ours.name], [], []
    for impl in impls:
        variants = getattr(row, impl)
        for variant in variants if ENV('VARIANTS') == 'all' else variants[:1]:
            say('  %s %s ..' % (impl, variant))
            try:
                peers.append(Peer(ours, impl, variant))
            except (RuntimeError, OSError) as why:
                failed.append('%s: %s' % (impl, why))
                say('  ' + str(why))
    return peers, failed


def median(values):
    return statistics.median(values) if values else float('nan')


def measure(name, threads, scale=1.0, impls=None):
    """-> the row's results; impls: the peers to compare with, all that were asked for if None"""
    say('%s, %d thread%s%s' % (name, threads, 's' if threads > 1 else '', ', times %g' % scale if scale != 1 else ''))
    ours = Ours(name, threads, scale)
    peers, failed = peers_start(ours, impls or PEERS)
    try:
        turns, ones = [], []
        for _ in range(TURNS):
            turns.append([turn(x) for x in [ours] + peers])
            if threads > 1:
                ones.append(turn(Alone(ours))['rate'])
    finally:
        for p in peers:
            p.stop()
    out = summary(ours, peers, turns, failed)
    out['to_one'] = median([t[0]['rate'] / one for t, one in zip(turns, ones)]) if ones else None
    return out


def summary(ours, peers, turns, failed):
    mine = [t[0] for t in turns]
    out = dict(row=ours.name, threads=ours.threads, scale=ours.scale, clock=CLOCK, parameters=ours.parameters, loss=ours.loss,
               rate=median([t['rate'] for t in mine]), gflops=median([t['gflops'] / t['examples_per_s'] * t['rate'] for t in mine]),
               peak=max(t['peak_gflops'] for t in mine), first_step_s=ours.first_step, size=ours.size,
               rss_mb=max(t['peak_rss_mb'] for t in mine), must=ROWS[ours.name].must, failed=failed, peers=[],
               rates=[t['rate'] for t in mine], others=[max(x['others'] for x in t) for t in turns])
    for i, p in enumerate(peers, 1):
        rates = [t[i]['rate'] for t in turns]
        out['peers'].append(dict(impl=p.impl, variant=p.variant, version=p.ready['version'], loss=p.ready['loss'], rate=median(rates),
                                 ratio=median([m['rate'] / r for m, r in zip(mine, rates)]),
                                 of_bests=max(out['rates']) / max(rates), rates=rates,
                                 first_step_s=p.ready['first_step_s'], rss_mb=max(t[i]['rss_mb'] for t in turns)))
    out['peers'].sort(key=lambda p: -p['rate'])
    out['ratio'] = out['peers'][0]['ratio'] if peers else None
    return out


# ---- the table
HEAD = ('row', 'threads', 'examples/s', 'best peer', 'its examples/s', 'ratio', 'of bests', 'must', 'to one', 'GFLOP/s', 'of peak', 'first step s', 'peer\'s',
        'MB', 'torch\'s', 'KB')


def figures(x):
    return '{:,.0f}'.format(x) if x >= 100 else '%.3g' % x


def torch_mb(r):
    """Peak memory of PyTorch in eager mode, the leanest of its ways."""
    return next(('%.0f' % p['rss_mb'] for p in r['peers'] if p['impl'] == 'torch'), '')


def table_row(r):
    best = r['peers'][0] if r['peers'] else None
    peer = [best['impl'], figures(best['rate']), '**%.2f**' % r['ratio'], '%.2f' % best['of_bests']] if best else ['none', '', '', '']
    peak = '%.0f %%' % (100 * r['gflops'] / r['peak']) if r['peak'] else ''
    return [r['row'], str(r['threads']), figures(r['rate'])] + peer + [
        '%g' % r['must'] if r['threads'] == 1 else '1', '%.2f' % r['to_one'] if r.get('to_one') else '', figures(r['gflops']), peak, '%.2f' % r['first_step_s'],
        '%.1f' % best['first_step_s'] if best else '', '%.1f' % r['rss_mb'], torch_mb(r), '%.0f' % (r['size'] / 1000)]


def table(results):
    lines = [HEAD, ['---'] * len(HEAD)] + [table_row(r) for r in results]
    text = '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
    for threads in sorted({r['threads'] for r in results}):
        peers = [r['peers'][0] for r in results if r['threads'] == threads and r['peers']]
        if peers:
            text += '\n\ngeometric mean of %d rows, %d thread%s: %.2f, of bests %.2f' % (
                len(peers), threads, 's' if threads > 1 else '', *(statistics.geometric_mean(p[k] for p in peers) for k in ('ratio', 'of_bests')))
    return text


def kept(results):
    """A table of the sizes: how much of the first scale's ratio, to that scale's best peer, is left at the others. '' with one scale."""
    if len(SCALES) < 2:
        return ''
    lines = [['row', 'threads', 'best peer'] + ['ratio at %g' % s for s in SCALES] + ['kept at %g' % s for s in SCALES[1:]]]
    lines.append(['---'] * len(lines[0]))
    of = {(r['row'], r['threads'], r['scale']): r for r in results}
    for first in (r for r in results if r['scale'] == SCALES[0] and r['peers']):
        ratios = [of.get((first['row'], first['threads'], s), {}).get('ratio') for s in SCALES]
        lines.append([first['row'], str(first['threads']), first['peers'][0]['impl']] + ['%.2f' % x if x else '' for x in ratios]
                     + ['%.0f %%' % (100 * x / ratios[0]) if x else '' for x in ratios[1:]])
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def sizes_measure(name, threads):
    """The row at every scale; at those after the first beside its best peer only."""
    out = []
    for scale in SCALES:
        try:
            out.append(measure(name, threads, scale, [p['impl'] for p in out[0]['peers'][:1]] if out else None))
        except RuntimeError as why:
            say('%s, times %g: %s' % (name, scale, why))
            if not out:
                break
    return out


def machine():
    with open('/proc/cpuinfo') as f:
        name = next((line.split(':')[1].strip() for line in f if line.startswith('model name')), platform.machine())
    return '%s, %d cores, Linux %s; %s' % (name, os.cpu_count(), platform.release(), time.strftime('%Y-%m-%d'))


def main():
    names = (ENV('ROWS') or ' '.join(ROWS)).split()
    for name in names:
        if name not in ROWS:
            sys.exit('bench: no row `%s`; there are: %s' % (name, ' '.join(ROWS)))
    os.makedirs(WORK, exist_ok=True)
    threads = [int(ENV('THREADS'))] if ENV('THREADS') else [t for t in (1, 2) if t <= len(os.sched_getaffinity(0))]
    results, path = [], os.path.join(WORK, time.strftime('results-%Y%m%d-%H%M%S.json'))
    for t in threads:
        for name in names:
            more = sizes_measure(name, t)
            results += more
            say('\n'.join(table(more).splitlines()[2:2 + len(more)]))
            with open(path, 'w') as f:
                json.dump(dict(machine=machine(), results=results), f, indent=1)
    versions = sorted({'%s %s' % ('torch' if p['impl'] == 'compile' else p['impl'], p['version']) for r in results for p in r['peers']})
    print('%s; %s; scale %g, median of %d turns of %g s, %s clock' % (machine(), ', '.join(versions), SCALES[0], TURNS, SECONDS, CLOCK))
    print(table([r for r in results if r['scale'] == SCALES[0]]) if results else 'nothing measured')
    if results and len(SCALES) > 1:
        print('\n' + kept(results))
    say('as JSON: ' + path)


if __name__ == '__main__':
    main()
