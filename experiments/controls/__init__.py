"""How far the gradient checker can be trusted.

`python -m experiments.controls` hands it wrong gradients, which it must catch, and right ones on
problems of every kind, which it must pass.
"""
