"""Compares a hand-written gradient with autodiff, and says how far to trust it.

`check` takes any loss and any gradient of it, and returns a `Report`; `check_rule` takes a function
with a derivative rule of its own; `python -m mnist_jax.gradcheck` checks a gradient from a shell.
"""

from mnist_jax.gradcheck.checker import Checker, check
from mnist_jax.gradcheck.comparison import Comparison
from mnist_jax.gradcheck.finding import Finding
from mnist_jax.gradcheck.formula import Formula
from mnist_jax.gradcheck.report import GradientError, Report
from mnist_jax.gradcheck.rules import check_rule

__all__ = [
    "Checker",
    "Comparison",
    "Finding",
    "Formula",
    "GradientError",
    "Report",
    "check",
    "check_rule",
]
