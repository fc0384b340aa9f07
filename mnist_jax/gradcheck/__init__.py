"""Compares a hand-written gradient with autodiff, and says how far to trust it.

`check` takes any loss and any gradient of it, and returns a `Report`; `python -m
mnist_jax.gradcheck` does the same from a shell.
"""

from mnist_jax.gradcheck.checker import Checker, check
from mnist_jax.gradcheck.comparison import Comparison
from mnist_jax.gradcheck.report import Finding, GradientError, Report

__all__ = ["Checker", "Comparison", "Finding", "GradientError", "Report", "check"]
