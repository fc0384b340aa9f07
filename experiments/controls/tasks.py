"""The three gradients of the report, each with its loss."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

from mnist_jax import gradients
from mnist_jax.models import logistic, objective, softmax

TaskName = Literal["1a", "1b", "4a"]


class Derived(NamedTuple):
    """A loss with the gradient that the report derives."""

    loss: Callable[..., Any]  # function from (weights, inputs, targets), in 4a also l2, to a scalar
    # function from the same arguments to an array with the shape of the weights
    gradient: Callable[..., Any]


# the loss of the ten digits works with any number of classes
TASKS: dict[TaskName, Derived] = {
    "1a": Derived(logistic.loss, gradients.logistic_gradient),
    "1b": Derived(softmax.loss, gradients.softmax_gradient),
    "4a": Derived(partial(objective, softmax), gradients.regularized_softmax_gradient),
}
