"""shapes.py: the products and convolutions of the rows, found in what nnc itself computes: nothing here is listed by hand.

`nnc ROW.nn --emit=opt` prints each step as a graph. Every `dot` of it becomes a Kernel: the smallest function that holds it with the
views of its operands (windows, padding, transposes, slices), so that nnc makes of it the loops that it makes in the row, and the
same computation in the peers' words: a product [b] m x k x n with each operand as it lies, or a convolution and which of its three
forms. What maps a row fuses with it (bias, relu, ..) is left out on both sides. Equal kernels of several rows are one. The gradients of a
convolution by strides are several products there, one a phase: the input gradient is written anew, unsettled, as one.
"""
import math
import os
import re
import subprocess
from dataclasses import dataclass, field, replace

NODE = re.compile(r'  %(\d+) = (\w+)(?:\{(.*)\})? ?(.*?) : (\w+)\[([\d,]*)\]$')
PARAM = re.compile(r'%a(\d+): (\w+)\[([\d,]*)\]')
VIEWS = ('reshape', 'transpose', 'broadcast', 'affine')


@dataclass(frozen=True)
class Product:
    """[batch] left @ right; left lies [m, k] (n) or [k, m] (t), right [k, n] (n) or [n, k] (t)."""
    batch: int
    m: int
    n: int
    k: int
    left: str
    right: str

    @property
    def operations(self): return 2.0 * self.batch * self.m * self.n * self.k
    @property
    def form(self): return {'nn': 'forward', 'nt': 'input gradient', 'tn': 'weight gradient', 'tt': 'both turned'}[self.left + self.right]
    def __str__(self): return '%s%dx%dx%d %s%s' % ('%d of ' % self.batch if self.batch > 1 else '', self.m, self.k, self.n, self.left, self.right)


@dataclass(frozen=True)
class Convolution:
    """x [n, h, w, c], weights [kh, kw, c, o], `groups` of both side by side; gradient g [n, ho, wo, o]."""
    form: str
    groups: int
    n: int
    h: int
    w: int
    c: int
    kh: int
    kw: int
    o: int
    stride: int
    pad: int

    @property
    def ho(self): return (self.h + 2 * self.pad - self.kh) // self.stride + 1
    @property
    def wo(self): return (self.w + 2 * self.pad - self.kw) // self.stride + 1
    @property
    def operations(self): return 2.0 * self.groups * self.n * self.ho * self.wo * self.kh * self.kw * self.c * self.o
    def __str__(self):
        return '%s%dx%dx%dx%d * %dx%dx%d%s%s' % ('%d of ' % self.groups if self.groups > 1 else '', self.n, self.h, self.w, self.c, self.kh, self.kw,
                                                 self.o, ' /%d' % self.stride if self.stride > 1 else '', ' +%d' % self.pad if self.pad else '')


@dataclass
class Kernel:
    what: object                   # Product or Convolution
    text: str                      # IR of the function
    rows: list = field(default_factory=list)


class Phase(Exception):
    """A product that is a part of the gradient of a convolution by strides: what it knows of that (groups, n, ho, wo, c, o)."""


class Node:
    def __init__(self, op, attrs, args, dtype, dims):
        self.op, self.args, self.dtype, self.dims, self.attrs = op, args, dtype, dims, {}
        for key, listed, one in re.findall(r'(\w+)=(?:\(([^)]*)\)|(\S+))', attrs or ''):
            self.attrs[key] = one if one else [int(x) if re.fullmatch(r'-?\d+', x) else x for x in listed.split()]
        self.text = attrs or ''


def numbers(text): return [int(x) for x in text.split(',') if x]


def functions(text):
    """-> name, nodes by name (`%a0` and `%12`) of each function of a dump"""
    name, nodes = None, {}
    for line in text.splitlines():
        if line.startswith('func @'):
            name, nodes = line[6:line.index('(')], {}
            for i, dtype, dims in PARAM.findall(line):
                nodes['%a' + i] = Node('arg', '', [], dtype, numbers(dims))
        elif line == '}':
            yield name, nodes
        else:
            match = NODE.match(line)
            if match:
                number, op, attrs, args, dtype, dims = match.groups()
                nodes['%' + number] = Node(op, attrs, re.findall(r'%a?\d+', args), dtype, numbers(dims))


def views_below(nodes, name, order):
    """The views from `name` down to what they are views of, operands first."""
    if name in order:
        return
    node = nodes[name]
    if node.op in VIEWS:
        views_below(nodes, node.args[0], order)
    order.append(name)


def whole_of(nodes, name):
    """The sum of a dot whose lanes each hold a part of the batch, else the dot."""
    users = [n for n, node in nodes.items() if name in node.args]
    if nodes[name].attrs.get('lb') and len(users) == 1 and nodes[users[0]].op == 'sum' and nodes[users[0]].attrs['axes'] == list(range(len(nodes[name].attrs['lb']))):
        return nodes[users[0]]
    return nodes[name]


def function_of(nodes, name):
    order, dot, whole = [], nodes[name], whole_of(nodes, name)
    for arg in dot.args:
        views_below(nodes, arg, order)
    params = [n for n in order if nodes[n].op not in VIEWS and nodes[n].op != 'const']
    names = {n: '%%a%d' % i for i, n in enumerate(params)}
    lines = []

    def line(node):
        number = len(params) + len(lines)
        attrs = '{%s}' % node.text if node.text else ''
        args = ', '.join(names[a] for a in node.args)
        lines.append('  %%%d = %s%s%s : %s' % (number, node.op, attrs, ' ' + args if args else '', kind(node)))
        return '%%%d' % number
    kind = lambda node: '%s[%s]' % (node.dtype, ','.join(map(str, node.dims)))
    for n in order:
        if n not in names:
            names[n] = line(nodes[n])
    result = names[name] = line(dot)
    if whole is not dot:
        result = line(whole)
    head = ', '.join('%s: %s' % (names[p], kind(nodes[p])) for p in params)
    return 'func @main(%s) {\n%s\n  return %s\n}\n' % (head, '\n'.join(lines), result)


def input_gradient(c):
    """The function of a Convolution, g and weights -> gradient of x, as ir/ writes it: each place of x looks at the windows that see it."""
    lead = [c.groups] * (c.groups > 1) + [c.n]
    first, high, wide = len(lead) - 1, len(lead), len(lead) + 1
    kind = lambda dims: 'f32[%s]' % ','.join(map(str, dims))
    spaced = lambda x: ' '.join(map(str, x))
    g, w = lead + [c.ho, c.wo, c.o], [c.groups] * first + [c.kh, c.kw, c.c, c.o]
    across = lead + [c.ho, c.w, c.o, c.kw]
    lines = ['broadcast{to=(%s) dims=(%s)} %%a0 : %s' % (spaced(g + [c.kw]), spaced(range(len(g))), kind(g + [c.kw])),
             'affine{axis=%d size=%d a=1 m=%d c=%d k=%d b=-1 fill=0} %%2 : %s' % (wide, c.w, c.stride, c.pad, len(g), kind(across)),
             'broadcast{to=(%s) dims=(%s)} %%3 : %s' % (spaced(across + [c.kh]), spaced(range(len(across))), kind(across + [c.kh])),
             'affine{axis=%d size=%d a=1 m=%d c=%d k=%d b=-1 fill=0} %%4 : %s' % (high, c.h, c.stride, c.pad, len(across), kind(lead + [c.h] + across[wide:] + [c.kh])),
             'dot{lb=(%s) rb=(%s) lc=(%s) rc=(%s)} %%5, %%a1 : %s' % (spaced(range(first)), spaced(range(first)), spaced((len(across), len(g), len(g) - 1)),
                                                                  spaced((first, first + 1, first + 3)), kind(lead + [c.h, c.w, c.c]))]
    body = ''.join('  %%%d = %s\n' % (i + 2, line) for i, line in enumerate(lines))
    return 'func @main(%%a0: %s, %%a1: %s) {\n%s  return %%6\n}\n' % (kind(g), kind(w), body)


# ---- what it is in other words
class Axis:
    """An axis of an operand: where it comes from. kind: 'plain', 'out' (places of a window), 'in' (within a window), 'part' (every
    so many-th element of an axis); split: of an axis that was taken apart."""
    def __init__(self, size, kind='plain', window=None, split=False): self.size, self.kind, self.window, self.split = size, kind, window, split


def axes_of(nodes, name):
    node = nodes[name]
    if node.op not in VIEWS:
        return [Axis(d) for d in node.dims]
    below = axes_of(nodes, node.args[0])
    at = node.attrs
    if node.op == 'transpose':
        return [below[p] for p in at['perm']]
    if node.op == 'broadcast':
        axes = [Axis(d) for d in node.dims]
        for i, to in enumerate(at['dims']):
            axes[to] = below[i]
        return axes
    if node.op == 'affine' and int(at['b']):
        axis, k = int(at['axis']), int(at['k'])
        window = dict(source=below[axis].size, size=int(at['size']), places=node.dims[k], a=int(at['a']), m=int(at['m']), c=int(at['c']), b=int(at['b']))
        below[axis], below[k] = Axis(node.dims[axis], 'out', window), Axis(node.dims[k], 'in', window)
        return below
    if node.op == 'affine' and int(at['a']) > 1:
        below[int(at['axis'])] = Axis(int(at['size']), 'part')
        return below
    if node.op == 'affine':
        return [Axis(int(at['size'])) if i == int(at['axis']) else a for i, a in enumerate(below)]
    return reshaped(below, node.dims)


def reshaped(below, dims):
    """Axes of a reshape: those of windows must be as they were; others may be taken apart or joined."""
    axes, at = [], 0
    for i, a in enumerate(below):
        if at < len(dims) and dims[at] == a.size:
            axes.append(a)
            at += 1
        elif any(x.window for x in below[i:]) and a.window:
            raise ValueError('windows reshaped')
        else:
            count, parts = 1, []
            while at < len(dims) and count < a.size:
                count *= dims[at]
                parts.append(Axis(dims[at], split=True))
                at += 1
            if count != a.size:
                if any(x.window for x in below):
                    raise ValueError('windows reshaped')
                return [Axis(d) for d in dims]
            axes += parts
    return axes + [Axis(d) for d in dims[at:]]


def size(axes): return math.prod(a.size for a in axes)


def product_of(dot, left, right):
    at = {k: dot.attrs.get(k, []) for k in ('lb', 'rb', 'lc', 'rc')}
    free = lambda axes, b, c: [a for i, a in enumerate(axes) if i not in b and i not in c]
    return Product(size([left[i] for i in at['lb']]), size(free(left, at['lb'], at['lc'])), size(free(right, at['rb'], at['rc'])),
                   size([left[i] for i in at['lc']]), 'n' if len(left) - 1 in at['lc'] else 't', 't' if len(right) - 1 in at['rc'] else 'n')


def convolution_of(dot, left, right):
    at = {k: dot.attrs.get(k, []) for k in ('lb', 'rb', 'lc', 'rc')}
    if any(a.window for a in right):
        left, right = right, left
        at = dict(lb=at['rb'], rb=at['lb'], lc=at['rc'], rc=at['lc'])
    wins = []
    for a in left:
        if a.window and not any(a.window is w for w in wins):
            wins.append(a.window)
    if len(wins) != 2 or any(a.window for a in right):
        raise ValueError('windows of %d axes' % len(wins))
    order = sorted(wins, key=lambda w: next(i for i, a in enumerate(left) if a.window is w and a.kind == 'out'))
    high, wide = order
    contracted = [left[i] for i in at['lc']]
    plain = [a for i, a in enumerate(left) if a.kind == 'plain' and i not in at['lb'] and i not in at['lc']]
    other = size([a for i, a in enumerate(right) if i not in at['rb'] and i not in at['rc']])
    inner = size([a for a in contracted if a.kind == 'plain'])
    groups = size([left[i] for i in at['lb'] if not left[i].split])
    forward, summed = high['b'] > 0, any(a.kind == 'out' for a in contracted)
    stride, pad = (high['a'], -high['c']) if forward else (high['m'], high['c'])
    if summed:     # weight gradient: n, places contracted; windows of x (forward) or of g
        n, mine = inner * size([left[i] for i in at['lb'] if left[i].split]), plain[-1].size
        plain = plain[:-1]
        if plain and size(plain) > 1: raise ValueError('weight gradient of many')
        c, o, form = (mine, other, 'weight gradient') if forward else (other, mine, 'weight gradient')
    else:
        n = size(plain)
        c, o, form = (inner, other, 'forward') if forward else (other, inner, 'input gradient')
    h, w = (high['source'], wide['source']) if forward else (high['size'], wide['size'])
    g = (high['size'], wide['size']) if forward else (high['source'], wide['source'])
    if any(a.kind == 'part' for a in right):
        raise Phase(form, groups, n, *g, c, o)
    conv = Convolution(form, groups, n, h, w, c, high['places'], wide['places'], o, stride, pad)
    if (conv.ho, conv.wo) != g:     # a part whose weights were taken out of a loop: their views are not seen here
        raise Phase(form, groups, n, *g, c, o)
    return conv


def meaning(nodes, dot):
    left, right = axes_of(nodes, dot.args[0]), axes_of(nodes, dot.args[1])
    windows = any(a.window for a in left + right)
    return convolution_of(dot, left, right) if windows else product_of(dot, left, right)


def kernels(rows, nnc, pages, defines):
    """-> {name: Kernel} of these rows; prints what it cannot say in the peers' words."""
    found = {}

    def add(what, text, row):
        kernel = found.setdefault(what, Kernel(what, text))
        if row not in kernel.rows:
            kernel.rows.append(row)
    for row in rows:
        phases = []
        words = [w for k, v in defines(row).items() for w in ('-D', '%s=%d' % (k, v))]
        text = subprocess.run([nnc, pages(row), '--emit=opt'] + words, stdout=subprocess.PIPE, check=True, text=True).stdout
        for name, nodes in functions(text):
            if '.step' not in name:
                continue
            for at, dot in list(nodes.items()):
                if dot.op != 'dot':
                    continue
                try:
                    add(meaning(nodes, dot), function_of(nodes, at), row)
                except Phase as part:
                    if part.args not in phases:
                        phases.append(part.args)
                except ValueError as why:
                    print('%s: %s: left out' % (row, why))
        for form, *known in phases:
            wholes = [k.what for k in found.values() if k.what.form == 'forward' and isinstance(k.what, Convolution) and row in k.rows
                      and [k.what.groups, k.what.n, k.what.ho, k.what.wo, k.what.c, k.what.o] == known]
            if len(wholes) != 1:
                print('%s: a part of %d convolutions: left out' % (row, len(wholes)))
            elif form == 'input gradient':
                whole = replace(wholes[0], form=form)
                add(whole, input_gradient(whole), row)
    return list(found.values())
