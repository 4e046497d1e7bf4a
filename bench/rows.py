"""rows.py: the table of the suite: what a row trains on, which peers it has, what it must reach.

Not the models: ours are the pages ROW.nn, theirs peers/*.py.  A row's sizes are hypers of its page; SCALE multiplies
those (rounded to `multiple`), and the peers read every size from the shapes of weights and data.
Variants are words joined by '+', explained in peers/torch_tools.py and peers/jax_tools.py.  The first of each list was
the fastest when measured; VARIANTS=all tries the others too.
"""
from dataclasses import dataclass

BATCHES = 20  # in memory, gone through again and again


@dataclass(frozen=True)
class Row:
    peer: str          # the file in peers/
    data: str          # the function in data.py
    batch: int
    optimizer: str     # adam: 1e-3, sgd: 2e-3 with momentum 0.9
    must: float        # ratio to the best peer that is the goal, one thread
    sizes: dict        # hyper -> value
    torch: tuple       # variants
    compile: tuple
    jax: tuple
    multiple: int = 1
    unit: str = 'examples'


WHOLE = ('whole+cppw', '-')
ROWS = {
    'mlp-tiny': Row('mlp', 'vectors64', 32, 'adam', 15, {'width': 32}, ('-', 'foreach'), WHOLE, ('-',)),
    'mlp': Row('mlp', 'vectors784', 128, 'adam', 1.5, {'width': 512}, ('-', 'foreach'), WHOLE, ('-',)),
    'mlp-wide': Row('mlp', 'vectors784', 256, 'sgd', 1.5, {'width': 2048}, ('-', 'foreach'), ('-', 'whole+cppw'), ('-',)),
    'lenet': Row('lenet', 'pictures28', 64, 'adam', 4, {'c1': 6, 'c2': 16, 'd1': 120, 'd2': 84},
                 ('-', 'cl'), ('whole+cppw', 'whole+cppw+cl'), ('window', '-', 'im2col')),
    'cnn': Row('cnn', 'pictures32', 64, 'sgd', 1.3, {'width': 32},
               ('cl', '-'), ('whole+cppw+cl', 'cl'), ('slice', 'window', '-')),
    'lstm': Row('text', 'text128', 32, 'adam', 1.5, {'units': 256}, ('-',), ('-',), ('-',)),
    'gru-small': Row('text', 'text64', 32, 'adam', 1.5, {'units': 128}, ('-',), ('-',), ('-',)),
    'bilstm': Row('bilstm', 'rows28', 64, 'adam', 1.5, {'units': 128}, ('-',), ('-',), ('-',)),
    'maml': Row('maml', 'waves', 25, 'adam', 2, {'width': 40}, ('bmm', 'vmap'), ('bmm+whole+cppw', 'vmap+whole+cppw'),
                ('-', 'map'), unit='tasks'),
    'maml-conv': Row('maml_conv', 'tasks', 32, 'adam', 2, {'width': 64}, ('vmap',), ('vmap+whole+cppw',),
                     ('im2col+map', 'im2col'), unit='tasks'),
    'protonet': Row('protonet', 'episodes', 1, 'adam', 2.5, {'width': 64}, ('cl', '-'), ('whole+cppw', 'whole+cppw+cl'),
                    ('slice', '-'), unit='episodes'),
    'learned': Row('learned', 'quadratics', 128, 'adam', 3, {'units': 20}, ('-', 'cell'), ('whole+cppw',), ('-',),
                   unit='problems'),
    'gpt': Row('gpt', 'text128', 16, 'adam', 2, {'width': 128}, ('-', 'manual'), ('whole+cppw', 'whole+tune'), ('-',),
               multiple=4, unit='sequences'),
}


def scaled(row, scale):
    """The hypers of a row's page at this scale."""
    return {k: max(row.multiple, round(v * scale / row.multiple) * row.multiple) for k, v in row.sizes.items()}
