"""Very many runs: every seed with every learning rate and every factor of the penalty.

Runs that share a seed share their batches, so that their matrix products are one wide product. More
runs than fit in memory are trained part by part. A part is a function of its own runs alone: it is
the same whenever it is trained, and whatever was trained before.
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
