"""What the page says of each task: sentences and alternative texts, functions of the metrics."""

from experiments.narrative import task1, task2, task3, task4
from experiments.narrative.narrative import Narrative

NARRATIVES: dict[str, Narrative] = {
    "task1_gradients": task1.NARRATIVE,
    "task2_logistic": task2.NARRATIVE,
    "task3_softmax": task3.NARRATIVE,
    "task4_regularization": task4.NARRATIVE,
}
"""Task name to what is said of it."""
