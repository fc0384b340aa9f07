"""Families of problems, each defined by a change to an ordinary problem."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Integer
from numpy.random import Generator

SATURATED = 1e4


class Draft(NamedTuple):
    """A problem of any of the tasks."""

    weights: Float[np.ndarray, "rows I"]  # weights, one row per class; a single row in 1a
    inputs: Float[np.ndarray, "N I"]  # inputs, one row per example
    targets: Float[np.ndarray, "N K"]  # targets, one row per example; each row sums to one
    l2: float  # factor of the penalty

    @property
    def logits(self) -> Float[np.ndarray, "N K"]:
        """The logits of each example and class; in 1a, those of class 0 are zero."""
        logits = self.inputs @ self.weights.T
        return logits if logits.shape[1] > 1 else np.hstack([0 * logits, logits])

    def labelled(self, labels: Integer[np.ndarray, " N"]) -> Self:
        """Replaces the targets by one-hot labels."""
        return self._replace(targets=np.eye(self.targets.shape[1])[labels])

    def scaled(self, largest: float) -> Self:
        """Scales the weights so that the largest logit has the given magnitude."""
        size = np.abs(self.logits).max()
        return self._replace(weights=self.weights * (largest / size if size else 1.0))

    def with_inputs(self, inputs: Float[np.ndarray, "N I"]) -> Self:
        """Replaces the inputs."""
        return self._replace(inputs=inputs)


def log_uniform(rng: Generator, lowest: float, highest: float, shape: Any = ()) -> np.ndarray:
    """Draws numbers whose logarithms are uniformly distributed."""
    return 10 ** rng.uniform(np.log10(lowest), np.log10(highest), shape)


def logit_size(rng: Generator) -> float:
    """Draws the magnitude of the largest logit, from tiny to saturated."""
    return float(log_uniform(rng, 1e-4, SATURATED))


def ordinary(rng: Generator, rows: int, examples: int, classes: int, inputs: int) -> Draft:
    """Draws a problem with inputs, logits and penalty of any magnitude."""
    return Draft(
        inputs=log_uniform(rng, 1e-4, 1e4) * rng.normal(size=(examples, inputs)),
        weights=rng.normal(size=(rows, inputs)),
        l2=0.0 if rng.random() < 0.2 else float(log_uniform(rng, 1e-6, 1e3)),
        targets=np.eye(classes)[rng.integers(0, classes, examples)],
    ).scaled(logit_size(rng))


def saturated(draft: Draft, predicted: Callable[..., np.ndarray]) -> Draft:
    """Saturates the logits; `argmax` or `argmin` of the logits gives the labels."""
    draft = draft.scaled(SATURATED)
    return draft.labelled(predicted(draft.logits, axis=1))


def one_class(rng: Generator, draft: Draft) -> Draft:
    """Gives all examples the same class."""
    examples, classes = draft.targets.shape
    return draft.labelled(np.full(examples, rng.integers(classes)))


def repeated_examples(rng: Generator, draft: Draft) -> Draft:
    """Repeats the inputs of some examples, whose labels may differ."""
    examples = len(draft.inputs)
    return draft.with_inputs(draft.inputs[rng.integers(0, 1 + examples // 3, examples)])


def soft_labels(rng: Generator, draft: Draft) -> Draft:
    """Draws random distributions over the classes as targets."""
    examples, classes = draft.targets.shape
    return draft._replace(targets=rng.dirichlet(np.ones(classes), examples))


def converged(rng: Generator, draft: Draft) -> Draft:
    """Sets the targets to the predictions: without a penalty, the gradient is zero."""
    odds = np.exp(draft.logits - draft.logits.max(axis=1, keepdims=True))
    return draft._replace(targets=odds / odds.sum(axis=1, keepdims=True))


def pixels(rng: Generator, draft: Draft) -> Draft:
    """Draws inputs like the report's: mostly background, from -1 to 1, with a bias."""
    shape = draft.inputs.shape
    x = np.where(rng.random(shape) < 0.2, rng.integers(0, 256, shape), 0) / 127.5 - 1
    x[:, -1] = 1
    return draft.with_inputs(x).scaled(logit_size(rng))


def inputs_of_all_sizes(rng: Generator, draft: Draft, shape: Any) -> Draft:
    """Scales the inputs by numbers of all magnitudes."""
    sizes = log_uniform(rng, 1e-4, 1e4, shape)
    return draft.with_inputs(draft.inputs * sizes).scaled(logit_size(rng))


def weights_of_all_sizes(rng: Generator, draft: Draft) -> Draft:
    """Scales the weights, so that a few weights dominate."""
    sizes = log_uniform(rng, 1e-4, 1e4, draft.weights.shape)
    return draft._replace(weights=draft.weights * sizes).scaled(logit_size(rng))


def cancelling_weights(rng: Generator, draft: Draft) -> Draft:
    """Makes pairs of equal inputs whose large weights almost cancel."""
    weights, inputs = draft.weights.copy(), draft.inputs.copy()
    pairs = inputs.shape[1] // 2
    first, second = slice(pairs), slice(pairs, 2 * pairs)
    large = log_uniform(rng, 1, 1e4) * weights[:, first]
    inputs[:, second] = inputs[:, first]
    weights[:, first] += large
    weights[:, second] -= large
    return draft._replace(weights=weights, inputs=inputs)


def far_from_one(rng: Generator, draft: Draft) -> Draft:
    """Makes inputs tiny and weights huge, or the reverse."""
    size = log_uniform(rng, 1e-12, 1e12)
    return draft._replace(weights=draft.weights / size, inputs=draft.inputs * size)


FAMILIES: dict[str, Callable[[Generator, Draft], Draft]] = {
    "any size": lambda rng, d: d,
    "saturated, all right": lambda rng, d: saturated(d, np.argmax),
    "saturated, all wrong": lambda rng, d: saturated(d, np.argmin),
    "saturated, some right": lambda rng, d: d.scaled(SATURATED),
    "one class": one_class,
    "repeated examples": repeated_examples,
    "constant inputs": lambda rng, d: d.with_inputs(np.full_like(d.inputs, d.inputs[0, 0])),
    "zero weights": lambda rng, d: d._replace(weights=0 * d.weights),  # where training starts
    # half of the inputs, like pixels of a margin
    "dead inputs": lambda rng, d: d.with_inputs(d.inputs * rng.integers(0, 2, d.inputs.shape[1])),
    "soft labels": soft_labels,
    "converged": converged,
    "pixels": pixels,
    # columns, like features that are not normalised, and rows, so that there are outliers
    "inputs of all sizes": lambda rng, d: inputs_of_all_sizes(rng, d, d.inputs.shape[1]),
    "examples of all sizes": lambda rng, d: inputs_of_all_sizes(rng, d, (len(d.inputs), 1)),
    "weights of all sizes": weights_of_all_sizes,
    "cancelling weights": cancelling_weights,
    "far from one": far_from_one,
}
