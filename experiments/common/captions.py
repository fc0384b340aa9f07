"""What is said of a task and of its figures."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

TaskMetrics = dict[str, Any]
"""What one task's metrics.json holds."""


class Caption(NamedTuple):
    """What is said of a figure.

    Attributes:
        title: What it is of.
        alt: What it shows, for those who do not see it.
        text: What to make of it.
    """

    title: str
    alt: str
    text: str


class Narrative(NamedTuple):
    """What is said of a task.

    Attributes:
        overview: Metrics of the task to the sentences that open its section.
        captions: Name of a figure to what is said of it, in the order of the page; asked only for
            figures that were drawn.
    """

    overview: Callable[[TaskMetrics], str]
    captions: Mapping[str, Callable[[TaskMetrics], Caption]]
