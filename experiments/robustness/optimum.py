r"""The weights at which the objective of task 4 is lowest, by L-BFGS in float64.

The objective is convex, and strictly so for a positive factor: there is one optimum. Its Hessian is
at most $\frac{1}{K} \otimes X^T X / N + 2 \lambda$ at zero weights. So the inputs are turned to the
axes of $X^T X$ and each weight is measured in units of that curvature; L-BFGS then needs some tens
of steps where it would need thousands.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from experiments.robustness.declared import Optimum
from experiments.robustness.parts import Part, split
from experiments.task4_regularization.metrics import total_variation
from mnist_jax import data
from mnist_jax.features import make_inputs, one_hot
from mnist_jax.models import objective, softmax
from mnist_jax.precision import in_precision

CLASSES = 10
STEPS = 5_000
"""The most steps of L-BFGS; it ends long before, or the gradient that is kept says so."""
COLUMNS = [(name, np.float64) for name in ("l2", "norm", "gradient", "steps", "noise", "accuracy")]


def parts(declared: Optimum) -> list[Part]:
    """The parts of the family, one for each size of the training set."""
    return [
        Part(f"train-size-{size}", len(declared.l2), partial(solve, declared, size))
        for size in declared.train_sizes
    ]


def solve(declared: Optimum, train_size: int, mnist: data.Mnist) -> np.ndarray:
    """Find the optimum of every factor, from the largest on; a row for each."""
    examples = split(mnist, train_size=train_size)
    rows = np.zeros(len(declared.l2), COLUMNS)
    # the line search of optax adds int32 to int64
    with in_precision("float64"), jax.numpy_dtype_promotion("standard"):
        problem = turned(examples.train)
        inputs = make_inputs(jnp.asarray(examples.validation.images), "float64")
        weights = jnp.zeros((CLASSES, inputs.shape[1]))
        for row, l2 in sorted(enumerate(declared.l2), key=lambda each: -each[1]):
            found = minimize(problem, weights, jnp.asarray(l2), declared.gradient)
            weights = found.weights
            own = weights @ problem.axes.T
            correct = softmax.predict(own, inputs) == examples.validation.labels
            own = np.asarray(own)
            noise = total_variation(own) / np.abs(own[:, :-1]).sum()
            numbers = (np.linalg.norm(own), found.gradient, found.steps, noise, correct.mean())
            rows[row] = (l2, *map(float, numbers))
    return rows


class Problem(NamedTuple):
    """Training examples, turned to the axes of their second moments.

    Attributes:
        inputs: Inputs along the axes.
        targets: One-hot labels.
        axes: A column for each axis.
        moments: The mean square of the inputs along each.
    """

    inputs: Float[Array, "N I"]
    targets: Float[Array, "N K"]
    axes: Float[Array, "I I"]
    moments: Float[Array, " I"]


class Found(NamedTuple):
    """Where a minimisation ended.

    Attributes:
        weights: Weights along the axes of the problem.
        gradient: Norm of the objective's gradient.
        steps: Steps of L-BFGS.
    """

    weights: Float[Array, "K I"]
    gradient: Float[Array, ""]
    steps: Int[Array, ""]


def turned(examples: data.Examples) -> Problem:
    """The training examples, turned."""
    inputs = make_inputs(jnp.asarray(examples.images), "float64")
    moments, axes = jnp.linalg.eigh(inputs.T @ inputs / len(inputs))
    targets = one_hot(jnp.asarray(examples.labels), CLASSES, "float64")
    return Problem(inputs @ axes, targets, axes, jnp.maximum(moments, 0))


@jax.jit
def minimize(
    problem: Problem,
    start: Float[Array, "K I"],
    l2: Float[Array, ""],
    small: float,
) -> Found:
    """Minimise the objective of task 4.

    Args:
        problem: The training examples.
        start: Weights along the axes to begin with.
        l2: The factor of the penalty, above zero.
        small: The largest norm of the gradient to end with.

    Returns:
        Where it ended.
    """
    unit = 1 / jnp.sqrt(problem.moments / CLASSES + 2 * l2)[None]
    optimizer = optax.lbfgs(memory_size=20)

    def cost(scaled: Array) -> Array:
        return objective(softmax, scaled * unit, problem.inputs, problem.targets, l2)

    evaluate = optax.value_and_grad_from_state(cost)

    def norm(state: optax.OptState) -> Array:
        return jnp.linalg.norm(optax.tree.get(state, "grad") / unit)

    def goes_on(carry: tuple[Any, Any, Any]) -> Array:
        _, state, steps = carry
        return (steps == 0) | ((norm(state) > small) & (steps < STEPS))

    def step(carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        scaled, state, steps = carry
        value, gradient = evaluate(scaled, state=state)
        updates, state = optimizer.update(
            gradient, state, scaled, value=value, grad=gradient, value_fn=cost
        )
        return optax.apply_updates(scaled, updates), state, steps + 1

    start = start / unit
    begin = start, optimizer.init(start), jnp.zeros((), int)
    scaled, state, steps = jax.lax.while_loop(goes_on, step, begin)
    return Found(scaled * unit, norm(state), steps)


def exponents(l2: Float[np.ndarray, " n"], norms: Float[np.ndarray, " n"]) -> np.ndarray:
    r"""The local exponent $d \log \|w\| / d \log \lambda$ at each factor, by differences.

    Example:
        >>> factors = np.array([0.1, 1.0, 10.0])
        >>> exponents(factors, 3 / factors).round(6).tolist()
        [-1.0, -1.0, -1.0]
    """
    return np.gradient(np.log(norms), np.log(l2))
