"""The report's three gradients, each with the loss that it is the gradient of."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

from mnist_jax import gradients
from mnist_jax.models import logistic, objective, softmax

TaskName = Literal["1a", "1b", "4a"]


class Derived(NamedTuple):
    """A loss and the gradient that the report derives of it.

    Attributes:
        loss: (weights, inputs, targets) to a scalar; in 4a, l2 too.
        gradient: Of the same arguments; shaped like the weights.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any]


# the loss of the ten digits is that of any number of classes
TASKS: dict[TaskName, Derived] = {
    "1a": Derived(logistic.loss, gradients.logistic_gradient),
    "1b": Derived(softmax.loss, gradients.softmax_gradient),
    "4a": Derived(partial(objective, softmax), gradients.regularized_softmax_gradient),
}
