"""The claims of the report, and what a measurement must show to confirm each.

A claim is judged from the metrics alone, so that changing a number changes its verdict.
"""

from experiments.claims import task1, task2, task3, task4

CLAIMS = (*task1.CLAIMS, *task2.CLAIMS, *task3.CLAIMS, *task4.CLAIMS)
"""The gradients of 1a, 1b and 4a, and the 13 claims of tasks 2 to 4, in the report's order."""
