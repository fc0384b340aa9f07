"""Sweeps over every combination of seed, learning rate and factor of the penalty.

Runs that share a seed share their batches, so that their matrix products are one wide product. If
the runs do not fit into memory, they are trained in parts. The result of a part depends only on its
own runs.
"""

from mnist_jax.sweeps.grid import Grid, Part
from mnist_jax.sweeps.loop import report_share, sweep, train_part
from mnist_jax.sweeps.memory import good_part
from mnist_jax.sweeps.table import COLUMNS, curve_columns, table

__all__ = [
    "COLUMNS",
    "Grid",
    "Part",
    "curve_columns",
    "good_part",
    "report_share",
    "sweep",
    "table",
    "train_part",
]
