"""Measures how far the gradient checker can be trusted.

`python -m experiments.controls` gives it wrong gradients, which it must catch, and correct
gradients on problems of many kinds, which it must pass.
"""
