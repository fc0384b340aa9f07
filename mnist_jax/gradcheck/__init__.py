"""Checks hand-written gradients: whether they are correct, and how accurately.

`check` compares a hand-written gradient of a loss with autodiff and with the values of the loss,
and returns a `Report`. `check_rule` checks the custom derivative rule of a function. The command
`python -m mnist_jax.gradcheck` checks a gradient from a shell.
"""

from mnist_jax.gradcheck.checker import Checker, check
from mnist_jax.gradcheck.comparison import Comparison, Finding
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
