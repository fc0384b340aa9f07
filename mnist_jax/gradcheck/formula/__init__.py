"""Judges the formula of a gradient in ball arithmetic."""

from mnist_jax.gradcheck.formula.case import Formula
from mnist_jax.gradcheck.formula.judging import judge

__all__ = ["Formula", "judge"]
