"""Word vectors and masks as courses set them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    TWICE,
    averaged,
    coordinate,
    instead,
    leaf_scaled,
    sign,
    summed,
)

FORGOTTEN = r"mask|forgets|zero"
SCRATCH = "Deep Learning from Scratch"


def negative_sampling() -> Case:
    """Word vectors with negative samples; a sample may come twice."""
    rng = np.random.default_rng(64)
    words, size, target, samples = 8, 4, 2, np.array([5, 1, 5, 7])

    def loss(centre: Any, outside: Any) -> Any:
        near = jax.nn.log_sigmoid(outside[target] @ centre)
        return -near - jnp.sum(jax.nn.log_sigmoid(-outside[samples] @ centre))

    def gradient(centre: Any, outside: Any, *, repeated: bool = True) -> tuple[Any, Any]:
        centre, outside = np.asarray(centre), np.asarray(outside)
        near = _sigmoid(outside[target] @ centre) - 1
        far = _sigmoid(outside[samples] @ centre)
        rows = np.zeros((words, size), centre.dtype)
        rows[target] = near * centre
        if repeated:
            np.add.at(rows, samples, far[:, None] * centre)
        else:
            rows[samples] += far[:, None] * centre
        return near * outside[target] + far @ outside[samples], rows

    mistakes = (
        instead(
            "a repeated index counted once",
            lambda c, o: gradient(c, o, repeated=False),
            r"\[5|row 5|repeated",
        ),
        sign(),
        leaf_scaled("twice the second gradient", 1, 2.0, TWICE),
    )
    arguments = (rng.normal(size=size), rng.normal(size=(words, size)))
    return Case(loss, gradient, arguments, mistakes, {"argnum": (0, 1)})


def embedding() -> Case:
    """A table of word vectors looked up by integer indices, averaged."""
    rng = np.random.default_rng(65)
    indices, out = np.array([[0, 2, 2], [1, 3, 0]]), rng.normal(size=(2, 4))

    def loss(table: Any) -> Any:
        return jnp.sum(out * table[indices].mean(axis=1))

    def gradient(table: Any) -> Any:
        slopes = np.zeros_like(np.asarray(table))
        for sentence, row in zip(indices, out, strict=True):
            for word in sentence:
                slopes[word] += row / len(sentence)
        return slopes

    def overwritten(table: Any) -> Any:
        slopes = np.zeros_like(np.asarray(table))
        for sentence, row in zip(indices, out, strict=True):
            slopes[sentence] = row / len(sentence)
        return slopes

    mistakes = (
        instead("rows overwritten, not added to", overwritten, r"\[0|\[2|row"),
        instead("not divided by the length", lambda t: 3 * gradient(t), summed(3)),
        coordinate(3, 1),
    )
    return Case(loss, gradient, (rng.normal(size=(4, 4)),), mistakes)


def dropout() -> Case:
    """Inverted dropout with a mask drawn beforehand."""
    rng = np.random.default_rng(66)
    keep, out = 0.8, rng.normal(size=(12, 5))
    kept = (rng.random((12, 5)) < keep) / keep

    def loss(inputs: Any) -> Any:
        return jnp.sum(out * jnp.tanh(inputs * kept))

    def gradient(inputs: Any) -> Any:
        return out * (1 - np.tanh(inputs * kept) ** 2) * kept

    mistakes = (
        instead("the mask forgotten", lambda x: out * (1 - np.tanh(x * kept) ** 2), FORGOTTEN),
        instead("not divided by the share kept", lambda x: keep * gradient(x), r"0\.8 times"),
        instead("divided by the size", lambda x: gradient(x) / 12, averaged(12)),
    )
    return Case(loss, gradient, (rng.normal(size=(12, 5)),), mistakes)


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(z)))


def _entry(name: str, course: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"as in {course}", held, make, "rewritten")


COURSES_WORDS = (
    _entry("negative sampling", "CS224n", "two arguments; argnum=(0, 1)", negative_sampling),
    _entry("embedding", SCRATCH, "integer indices in a closure", embedding),
    _entry("dropout", "CS231n", "a mask in a closure", dropout),
)
