"""The backward passes of layers as courses set them: normalisation, convolution, pooling."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "as in {}", origin="rewritten")

COUNT, FEATURES, EPSILON = 9, 4, 1e-5
NORMALISED = r"\[0\]|first (argument|leaf)|argument 0|\bx\b"


@entry("layer normalisation", "CS231n", "argnum=(0, 1, 2)", 71, axis=1)
@entry("batch normalisation", "CS231n", "argnum=(0, 1, 2)", 71, axis=0)
def normalisation(rng: Generator, axis: int) -> Case:
    """Batch (axis 0) or layer (axis 1) normalisation: by inputs, scale and shift at once."""
    out = rng.normal(size=(COUNT, FEATURES))

    def loss(x: Any, scale: Any, shift: Any) -> Any:
        centred = x - x.mean(axis=axis, keepdims=True)
        variance = jnp.mean(centred**2, axis=axis, keepdims=True)
        return jnp.sum(out * (scale * centred / jnp.sqrt(variance + EPSILON) + shift))

    def backward(x: Any, scale: Any, shift: Any, parts: int = 2) -> tuple[Any, Any, Any]:
        centred = np.asarray(x) - np.asarray(x).mean(axis=axis, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=axis, keepdims=True) + EPSILON)
        unit = centred / deviation
        up = out * np.asarray(scale)
        down = up.copy()
        if parts > 0:
            down -= up.mean(axis=axis, keepdims=True)
        if parts > 1:
            down -= unit * (up * unit).mean(axis=axis, keepdims=True)
        return down / deviation, (out * unit).sum(axis=0), out.sum(axis=0)

    x, scale = 2 * rng.normal(size=(COUNT, FEATURES)) + 1, rng.normal(size=FEATURES)
    arguments = (x, scale, rng.normal(size=FEATURES))
    return Case(loss, backward, arguments, {"argnum": (0, 1, 2)}).with_mistakes(
        wrong.given("the variance taken for a constant", NORMALISED, parts=1),
        wrong.given("mean and variance constant", NORMALISED, parts=0),
        wrong.exchanged("scale and shift exchanged", 1, 2),
    )


@entry("convolution", "CS231n", "loops in place; argnum=(0, 1)", 72)
def convolution(rng: Generator) -> Case:
    """A convolution of one channel with loops over the places of the filter."""
    out, size, width = rng.normal(size=(4, 4)), 6, 3

    def loss(image: Any, kernel: Any) -> Any:
        places = [
            kernel[i, j] * image[i : i + 4, j : j + 4] for i in range(width) for j in range(width)
        ]
        return jnp.sum(out * sum(places))

    def backward(image: Any, kernel: Any, *, flip: bool = False, last: int = 4) -> Any:
        image, kernel = np.asarray(image), np.asarray(kernel)
        d_image, d_kernel = np.zeros_like(image), np.zeros_like(kernel)
        for row in range(last):
            for column in range(last):
                patch = slice(row, row + width), slice(column, column + width)
                d_kernel += out[row, column] * image[patch]
                d_image[patch] += out[row, column] * (kernel[::-1, ::-1] if flip else kernel)
        return d_image, d_kernel

    arguments = (rng.normal(size=(size, size)), rng.normal(size=(width, width)))
    return Case(loss, backward, arguments, {"argnum": (0, 1)}).with_mistakes(
        wrong.given("the filter turned round", NORMALISED, flip=True),
        wrong.given("the last row and column left out", r"\blast\b", last=3),
        wrong.coordinate(1, 2, leaf=1),
    )


@entry("max pooling", "CS231n", "loops in place; closure", 73)
def max_pooling(rng: Generator) -> Case:
    """Maximum over windows of two by two: the gradient goes to the largest."""
    out, point = rng.normal(size=(3, 3)), rng.permutation(36).reshape(6, 6) / 10

    loss = lambda image: jnp.sum(out * image.reshape(3, 2, 3, 2).max(axis=(1, 3)))

    def backward(image: Any, *, everywhere: bool = False) -> Any:
        slopes = np.zeros_like(np.asarray(image))
        for row in range(3):
            for column in range(3):
                window = slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2)
                largest = image[window] == image[window].max()
                slopes[window] = out[row, column] * (1 if everywhere else largest)
        return slopes

    return Case(loss, backward, (point,)).with_mistakes(
        wrong.given("the mask forgotten", r"mask|zero", everywhere=True),
        wrong.zeroed("the last row of windows left out", slice(4, 6), r"\blast\b|\[[45],"),
        wrong.sign(),
    )


@entry("GELU", "transformer tutorials", "a closure over float64", 74)
def gelu(rng: Generator) -> Case:
    """The tanh approximation of GELU."""
    out, factor = rng.normal(size=15), np.sqrt(2 / np.pi)

    loss = lambda x: jnp.sum(out * 0.5 * x * (1 + jnp.tanh(factor * (x + 0.044715 * x**3))))

    def backward(x: Any, cubic: float = 3 * 0.044715, product: bool = True) -> Any:
        x = np.asarray(x)
        tanh = np.tanh(factor * (x + 0.044715 * x**3))
        slope = 0.5 * (1 + tanh)
        if product:
            slope += 0.5 * x * (1 - tanh**2) * factor * (1 + cubic * x**2)
        return out * slope

    return Case(loss, backward, (rng.normal(size=15),)).with_mistakes(
        wrong.given("the product rule's second term forgotten", product=False),
        wrong.given("3 forgotten in the cubic term", cubic=0.044715),
        wrong.coordinate(6),
    )


@entry("triplet loss", "Ng's Deep Learning", "argnum=(0, 1, 2)", 75)
def triplets(rng: Generator) -> Case:
    """The triplet loss with a margin, by anchors, positives and negatives."""
    anchors, same, others = (rng.normal(size=(10, 3)) for _ in range(3))

    def distances(a: Any, b: Any) -> Any:
        return ((a - b) ** 2).sum(axis=1)

    loss = lambda a, p, n: jnp.mean(jnp.maximum(0, distances(a, p) - distances(a, n) + 1.0))

    def gradient(a: Any, p: Any, n: Any, *, masked: bool = True) -> Any:
        a, p, n = (np.asarray(each) for each in (a, p, n))
        active = (distances(a, p) - distances(a, n) + 1.0 > 0)[:, None] if masked else 1.0
        return tuple(active * 2 / 10 * each for each in (n - p, p - a, a - n))

    return Case(loss, gradient, (anchors, same, others), {"argnum": (0, 1, 2)}).with_mistakes(
        wrong.given("inactive triplets counted", r"mask", masked=False),
        wrong.exchanged("positives and negatives exchanged", 1, 2),
        wrong.scaled("the sign of the negatives", -1.0, r"-1 times|\bsign\b|minus", leaf=2),
    )


@entry("mixture of Gaussians", "Bishop's textbook", "a closure over float64", 76)
def mixture(rng: Generator) -> Case:
    """A mixture of Gaussians by its means: the responsibilities weigh the distances."""
    data, shares, count = rng.normal(size=(25, 2)), np.array([0.5, 0.3, 0.2]), 25

    def loss(means: Any) -> Any:
        squares = jnp.sum((data[:, None] - means) ** 2, axis=-1)
        terms = jnp.log(jnp.asarray(shares)) - squares / 2
        return -jnp.sum(jnp.log(jnp.sum(jnp.exp(terms), axis=1))) / count

    def gradient(means: Any, axis: int = 1, weigh: Any = shares) -> Any:
        means = np.asarray(means)
        odds = weigh * np.exp(-((data[:, None] - means) ** 2).sum(axis=-1) / 2)
        odds /= odds.sum(axis=axis, keepdims=True)
        return (odds.sum(axis=0)[:, None] * means - odds.T @ data) / count

    return Case(loss, gradient, (rng.normal(size=(3, 2)),)).with_mistakes(
        wrong.given("normalised over the data", r"axis|over the", axis=0),
        wrong.given("the mixture's shares forgotten", weigh=np.ones(3)),
        wrong.sign(),
    )
