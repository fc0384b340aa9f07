"""What the checker says of a wrong gradient."""

import jax
import numpy as np
import pytest

from mnist_jax.gradcheck.mistakes.explain import explain
from mnist_jax.gradcheck.mistakes.leaf import Leaf, describe_region
from mnist_jax.gradcheck.problem import Problem

POINTS = 3


def loss(params, inputs, l2):
    raise NotImplementedError("only its parameters' names are used")


@pytest.fixture(scope="module")
def problem():
    params = {"b": np.zeros(3), "c": np.zeros(3), "w": np.zeros((3, 3))}
    return Problem(loss, loss, 0, (params, np.zeros((20, 7)), np.array(0.03)))


@pytest.fixture(scope="module")
def right(problem):
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(size=(POINTS, *leaf.shape))
        for name, leaf in problem.differentiated.items()
    }


def said(problem, right, changed):
    """What is said of gradients of which some leaves are changed."""
    rng = np.random.default_rng(1)
    leaves = [
        Leaf(
            f"params['{name}']",
            changed.get(name, reference) * (1 + 1e-14 * rng.normal(size=reference.shape)),
            reference,
            np.full(reference.shape, 1e-12),
            weights(name, reference),
        )
        for name, reference in right.items()
    ]
    return "; ".join(explain(leaves, [problem], None))


def weights(name, reference):
    return np.random.default_rng(len(name) + reference.size).normal(size=reference.shape)


def put(array, index, value):
    changed = array.copy()
    changed[(slice(None), *index)] = value
    return changed


COLUMN = (slice(None), 2)
MISTAKES = {
    "the whole gradient is -1 times autodiff's": lambda g: jax.tree.map(np.negative, g),
    "the whole gradient is 0.5 times autodiff's: a factor of 2 is missing": lambda g: jax.tree.map(
        lambda leaf: leaf / 2, g
    ),
    "20 times autodiff's (the length of axis 0 of inputs): it sums over": lambda g: jax.tree.map(
        lambda leaf: 20 * leaf, g
    ),
    "(1/7, the length of axis 1 of inputs): it divides by the 7 where": lambda g: {"b": g["b"] / 7},
    "params['b']: the gradient is -20 times autodiff's (the length of": lambda g: {
        "b": -20 * g["b"]
    },
    "params['b']: the gradient is 0.03 times autodiff's (l2)": lambda g: {"b": 0.03 * g["b"]},
    "2.857143 times autodiff's (the length of axis 0 of inputs over": lambda g: {
        "b": g["b"] * 20 / 7
    },
    "params['b']: the gradient is 1.7 times": lambda g: {"b": 1.7 * g["b"]},
    "params['b']: the gradient is that of params['c'], exchanged": lambda g: {
        "b": g["c"],
        "c": g["b"],
    },
    "params['w'][:, 2]: the gradient is -1 times": lambda g: {
        "w": put(g["w"], COLUMN, -g["w"][:, :, 2])
    },
    "params['w'][1, 2]: the gradient is 1.001 times": lambda g: {
        "w": put(g["w"], (1, 2), 1.001 * g["w"][:, 1, 2])
    },
    "params['w']: the gradient is transposed": lambda g: {"w": g["w"].swapaxes(1, 2)},
    "params['b']: the gradient is shifted by 1 along axis 0": lambda g: {
        "b": np.roll(g["b"], 1, 1)
    },
    "params['b']: the gradient is shifted by -1 along axis 0": lambda g: {
        "b": np.roll(g["b"], -1, 1)
    },
    "params['b'], all but [1]: the gradient is reversed along axis 0": lambda g: {
        "b": g["b"][:, ::-1]
    },
    "params['w'], all but [1, :]: the gradient is reversed along axis 0": lambda g: {
        "w": g["w"][:, [2, 1, 0]]
    },
    "params['w'], all but [2, :]: the gradient has 0 and 1 along axis 0 exchanged": lambda g: {
        "w": g["w"][:, [1, 0, 2]]
    },
    "params['w']: the gradient has an extra constant term: 0.3 in each": lambda g: {
        "w": g["w"] + 0.3
    },
    "params['w']: the gradient lacks a term: 0.06 (twice l2) times params['w']": lambda g: {
        "w": g["w"] - 0.06 * weights("w", g["w"])
    },
    "params['w'][:, 2]: the gradient lacks a term: 0.03 (l2) times params['w']": lambda g: {
        "w": put(g["w"], COLUMN, (g["w"] - 0.03 * weights("w", g["w"]))[:, :, 2])
    },
    "params['w'][:, 2]: the gradient is zero where": lambda g: {"w": put(g["w"], COLUMN, 0.0)},
    "params['w']: the gradient is not finite in 1 of 9 coordinates ([1, 2])": lambda g: {
        "w": put(g["w"], (1, 2), np.nan)
    },
    "params['b']: the gradient is not finite in 3 of 3": lambda g: {"b": g["b"] + np.inf},
    "params['w']: the gradient differs in 9 of 9 coordinates, by up to": lambda g: {
        "w": np.sin(g["w"])
    },
    "params['b']: the gradient differs in 3 of 3 coordinates (at [0], [1], [2])": lambda g: {
        "b": np.sin(g["b"])
    },
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_named(problem, right, words):
    assert words in said(problem, right, MISTAKES[words](right))


def test_nothing_is_said_of_the_right_gradient(problem, right):
    assert said(problem, right, {}) == ""


def test_a_single_number_at_a_single_point_fits_any_factor_and_names_none(problem):
    one = np.ones((1,))
    leaf = Leaf("w", 3 * one, one, 1e-12 * one, one)
    assert "differs in 1 of 1 coordinates" in explain([leaf], [problem], None)[0]


@pytest.mark.parametrize(
    ("wrong", "region"),
    [
        ([[1, 1], [0, 1]], " in 3 of 4 coordinates (at [0, 0], [0, 1], [1, 1])"),
        ([[1, 1], [0, 0]], "[0, :]"),
        ([[0, 1], [0, 1]], "[:, 1]"),
        ([[0, 1, 1], [0, 0, 0]], "[0, :] in 2 of 3 coordinates"),
        ([[0, 0], [1, 0]], "[1, 0]"),
        ([[1, 0], [0, 1]], " on the diagonal"),
        ([[0, 1], [1, 0]], " off the diagonal"),
        ([0, 0, 1], "[2]"),
        ([[1, 1, 0], [1, 1, 0]], ", all but [:, 2]"),
        ([1, 0, 1], ", all but [1]"),
        ([0, 0, 0, 1, 1], "[3:]"),
        ([0, 1, 1, 0, 0], "[1:3]"),
        (1, ""),
    ],
)
def test_a_region_is_named_if_it_is_a_slice(wrong, region):
    assert describe_region(np.array(wrong, bool)) == region
