"""What the page says of each task: sentences and alternative texts, functions of the metrics."""

from experiments.common.captions import Narrative
from experiments.task1_gradients import captions as task1
from experiments.task2_logistic import captions as task2
from experiments.task3_softmax import captions as task3
from experiments.task4_regularization import captions as task4

NARRATIVES: dict[str, Narrative] = {
    "task1_gradients": task1.NARRATIVE,
    "task2_logistic": task2.NARRATIVE,
    "task3_softmax": task3.NARRATIVE,
    "task4_regularization": task4.NARRATIVE,
}
"""Task name to what is said of it."""
