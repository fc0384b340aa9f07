"""Static settings of a training program, and hyperparameters of its runs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import optax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from mnist_jax.errors import UsageError
from mnist_jax.features import make_inputs
from mnist_jax.training.stopping import Criterion, Never

Precision = Literal["float32", "float64"]
"""Floating-point dtype of a run."""
Gradient = Literal["analytic", "autodiff"]
"""Gradient derived by hand, or `jax.grad` of the objective."""
OPTIMIZER_HINT = (
    "Pass a function from a learning rate to an optax transformation, such as optax.adam "
    "itself or lambda rate: optax.adamw(rate, weight_decay=1e-4); the learning rate is given to "
    "hyperparameters(...)."
)
INPUTS_HINT = (
    "Pass TrainingSettings(inputs=identity) to use them as they are, inputs=append_bias to append "
    "a constant 1 (both in mnist_jax.features), or a function of (images, dtype) of your own."
)


@dataclass(frozen=True)
class TrainingSettings:
    """Settings that all runs of a training have in common.

    All settings except `epochs` and `train_accuracy` are compiled into the training program.
    Functions are compared by identity, so two equal lambdas are compiled twice.

    Attributes:
        epochs: Number of passes over the training set.
        batch_size: Number of examples per step; the incomplete last batch of an epoch is dropped.
        evaluate_every: Number of steps between evaluations; None for a fifth of an epoch, as in the
            report.
        criterion: Criterion for early stopping.
        gradient: `"analytic"` for the hand-derived gradient, `"autodiff"` for `jax.grad` of the
            objective.
        precision: Floating-point dtype of inputs, weights and losses.
        optimizer: Function from a learning rate to an optax transformation.
        inputs: Function from (images, dtype) to the inputs of the model, one row for each image.
            The default scales pixels to [-1, 1] and appends the bias, as in the report;
            `mnist_jax.features` has `identity` and `append_bias` for scaled data.
        train_accuracy: Whether evaluations include the accuracy on the whole training set, which
            takes most of the operations of a run; NaN otherwise.

    Raises:
        UsageError: If a number is out of range, a name is not one of the choices, or the optimizer
            is not a function.

    Example:
        >>> TrainingSettings(batch_size=128).schedule(num_examples=3623)
        Schedule(steps_per_epoch=28, evaluate_every=5)
    """

    epochs: int = 50
    batch_size: int = 128
    evaluate_every: int | None = None
    criterion: Criterion = Never()
    gradient: Gradient = "analytic"
    precision: Precision = "float32"
    optimizer: Callable[..., optax.GradientTransformation] = optax.sgd
    inputs: Callable[[Array, DTypeLike], Array] = make_inputs
    train_accuracy: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; give 1 or more.")
        for name, choices in (("gradient", Gradient), ("precision", Precision)):
            if (value := getattr(self, name)) not in get_args(choices):
                raise UsageError(
                    f"{name} is {value!r}; choose one of {', '.join(get_args(choices))}."
                )
        if isinstance(self.optimizer, optax.GradientTransformation):
            raise UsageError(
                f"optimizer is an optax transformation, its learning rate fixed. {OPTIMIZER_HINT}"
            )
        for name, hint in (("optimizer", OPTIMIZER_HINT), ("inputs", INPUTS_HINT)):
            if not callable(value := getattr(self, name)):
                raise UsageError(f"{name} is {value!r}, which is not a function. {hint}")

    @property
    def compiled(self) -> "TrainingSettings":
        """The settings of the compiled program, without those that it does not depend on."""
        return replace(self, epochs=1, train_accuracy=True)

    def transformation(self, learning_rate: Any) -> optax.GradientTransformation:
        """Returns the transformation for a learning rate; raises a UsageError if it is none."""
        transformation = self.optimizer(learning_rate)
        if not isinstance(transformation, optax.GradientTransformation):
            raise UsageError(
                f"optimizer returns a {type(transformation).__name__}, not an optax "
                f"transformation. {OPTIMIZER_HINT}"
            )
        return transformation

    def schedule(self, num_examples: int) -> "Schedule":
        """Returns the schedule of an epoch with a number of examples."""
        if self.batch_size > num_examples:
            raise UsageError(
                f"batch_size is {self.batch_size}, but there are only {num_examples} training "
                f"examples: give a batch size of {num_examples} or less, or train on more."
            )
        steps = num_examples // self.batch_size
        return Schedule(steps, self.evaluate_every or max(1, steps // 5))


class Schedule(NamedTuple):
    """Steps of an epoch; each global step divisible by `evaluate_every` has an evaluation."""

    steps_per_epoch: int
    evaluate_every: int


class Hyperparameters(NamedTuple):
    """Values that vary between runs, with axes (orders, runs); runs in a row share their batches.

    They are float64 on the host, so that nothing is rounded before the precision is known.
    """

    learning_rate: Float[Any, "*orders_runs"]
    l2: Float[Any, "*orders_runs"]

    def rounded(self, precision: Precision) -> "Hyperparameters":
        """Rounds to a precision; raises a UsageError if a value is too large for it."""
        for name, values in self._asdict().items():
            largest = np.max(values)
            if largest > np.finfo(precision).max:
                raise UsageError(
                    f"{name} is {largest}, too large for {precision}; give a smaller value."
                )
        return Hyperparameters(*(np.asarray(values, precision) for values in self))


def hyperparameters(
    learning_rate: float | list[float] | np.ndarray,
    l2: float | list[float] | np.ndarray = 0.0,
    num_orders: int = 1,
) -> Hyperparameters:
    """Broadcasts learning rates and factors of the penalty to hyperparameters.

    Args:
        learning_rate: Learning rate of all runs, or one for each run.
        l2: Factor of the penalty of all runs, or one for each run.
        num_orders: Number of batch orders, each with all of these runs.

    Returns:
        Float64 arrays, (orders, runs).

    Raises:
        UsageError: If a number is negative or not finite, or the lengths differ.

    Example:
        >>> hyperparameters(0.01, l2=[0.0, 2.0], num_orders=3).l2.shape
        (3, 2)
    """
    named = {"learning_rate": np.atleast_1d(learning_rate), "l2": np.atleast_1d(l2)}
    for name, values in named.items():
        if not values.size:
            raise UsageError(f"{name} is empty; give one number, or one for each run.")
        for value in values.ravel().tolist():
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} is {value}; give a finite, non-negative number.")
    try:
        shape = np.broadcast_shapes((num_orders, 1), *(values.shape for values in named.values()))
    except ValueError as error:
        sizes = " and ".join(f"{values.size} of {name}" for name, values in named.items())
        raise UsageError(
            f"{sizes} do not match; give the same number of each, or one of either."
        ) from error
    return Hyperparameters(
        **{name: np.broadcast_to(values, shape).astype(float) for name, values in named.items()}
    )
