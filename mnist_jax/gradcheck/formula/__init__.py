"""Judges the formula of a gradient in ball arithmetic."""

from mnist_jax.gradcheck.formula.judging import judge
from mnist_jax.gradcheck.formula.verdict import Formula

__all__ = ["Formula", "judge"]
