"""The claims of the report, and what a measurement must show to confirm each.

A claim is judged from the metrics alone, so that changing a number changes its verdict.
"""

from experiments.task1_gradients import claims as task1
from experiments.task2_logistic import claims as task2
from experiments.task3_softmax import claims as task3
from experiments.task4_regularization import claims as task4

CLAIMS = (*task1.CLAIMS, *task2.CLAIMS, *task3.CLAIMS, *task4.CLAIMS)
"""The gradients of 1a, 1b and 4a, and the 13 claims of tasks 2 to 4, in the report's order."""
