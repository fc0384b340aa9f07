"""The report's splits, on real MNIST and as properties on small data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_jax.data import Examples, Mnist, Selection, class_shares, select_digits, split
from mnist_jax.errors import UsageError


def _numbered(labels: list[int], first: int) -> Examples:
    """Examples whose first two pixels tell which one it is."""
    images = np.zeros((len(labels), 784), np.uint8)
    images[:, :2] = np.arange(first, first + len(labels), dtype=">u2").view(np.uint8).reshape(-1, 2)
    return Examples(images, np.array(labels, np.int32))


def _numbers(examples: Examples) -> list[int]:
    return [256 * int(image[0]) + int(image[1]) for image in examples.images]


_LABELS = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@st.composite
def _requests(draw: st.DrawFn, selection: Selection | None = None) -> tuple[Mnist, dict[str, Any]]:
    train, test = draw(_LABELS), draw(_LABELS)
    request = {
        "train_size": draw(st.integers(1, len(train))),
        "validation_size": draw(st.integers(1, len(test))),
        "selection": selection or draw(st.sampled_from(["sequential", "stochastic"])),
        "seed": draw(st.integers(0, 2**32)),
    }
    return Mnist(_numbered(train, 0), _numbered(test, 1000)), request


@given(_requests())
def test_training_images_are_the_first_and_validation_images_are_test_images(drawn):
    mnist, request = drawn
    train, validation = split(mnist, **request)
    assert _numbers(train) == list(range(request["train_size"]))
    assert len(set(_numbers(validation))) == request["validation_size"]
    assert set(_numbers(validation)) <= set(_numbers(mnist.test))
    rows = np.array(_numbers(validation)) - 1000
    np.testing.assert_array_equal(validation.labels, mnist.test.labels[rows], strict=True)


@given(_requests(selection="sequential"))
def test_sequential_validation_is_the_end_of_the_test_set_in_order(drawn):
    mnist, request = drawn
    validation = split(mnist, **request).validation
    assert _numbers(validation) == _numbers(mnist.test)[-request["validation_size"] :]


@given(_requests(selection="stochastic"))
def test_a_stochastic_selection_repeats_with_its_seed(drawn):
    mnist, request = drawn
    first, second = (split(mnist, **request).validation for _ in range(2))
    assert _numbers(first) == _numbers(second)


def test_other_seeds_draw_other_images():
    mnist = Mnist(_numbered([0], 0), _numbered([0] * 1000, 1000))
    draws = [
        _numbers(
            split(
                mnist, train_size=1, validation_size=20, selection="stochastic", seed=s
            ).validation
        )
        for s in range(20)
    ]
    assert len({tuple(draw) for draw in draws}) == 20


@given(_LABELS, st.permutations(range(10)))
def test_selected_digits_keep_their_order_and_become_binary(labels, permutation):
    first, second = permutation[:2]
    kept = [i for i, label in enumerate(labels) if label in (first, second)]
    if not kept:
        with pytest.raises(UsageError, match="none of the"):
            select_digits(_numbered(labels, 0), (first, second))
        return
    selected = select_digits(_numbered(labels, 0), (first, second))
    assert _numbers(selected) == kept
    assert selected.labels.dtype == np.int32
    assert selected.labels.tolist() == [int(labels[i] == first) for i in kept]


def test_the_report_split_of_twos_and_threes(mnist: Mnist):
    train, validation = split(mnist, digits=(2, 3))
    assert (train.images.shape, validation.images.shape) == ((3623, 784), (405, 784))
    twos = mnist.train.images[:18_000][mnist.train.labels[:18_000] == 2]
    np.testing.assert_array_equal(train.images[train.labels == 1], twos)


def test_the_report_class_shares(mnist: Mnist):
    shares = class_shares(split(mnist).validation.labels)
    expected = [10.35, 11.50, 9.90, 10.35, 9.70, 8.45, 10.10, 10.75, 9.35, 9.55]
    np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-9)


def test_class_shares_count_absent_classes():
    np.testing.assert_array_equal(
        class_shares(np.array([1, 1, 3, 1], np.int32), 5), [0, 75, 0, 25, 0]
    )


def test_class_shares_of_nothing_are_an_error():
    with pytest.raises(UsageError, match="at least one label"):
        class_shares(np.array([], np.int32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_size": 0}, "train_size=0: give a size from 1 to 5"),
        ({"train_size": 6}, "train_size=6: give a size from 1 to 5"),
        ({"validation_size": -1}, "validation_size=-1: give a size from 1 to 4"),
        ({"validation_size": 5}, "validation_size=5: give a size from 1 to 4"),
        ({"selection": "random"}, "selection='random': choose one of sequential, stochastic"),
        ({"selection": "stochastic", "seed": -1}, "seed=-1: give a seed of 0 or more"),
        ({"digits": (2, 10)}, r"digits=\(2, 10\): give two different digits from 0 to 9"),
        ({"digits": (-1, 2)}, r"digits=\(-1, 2\): give two different digits from 0 to 9"),
        ({"digits": (2, 2)}, r"digits=\(2, 2\): give two different digits from 0 to 9"),
        ({"digits": (1, 2, 3)}, r"digits=\(1, 2, 3\): give two different digits"),
        ({"digits": (8, 9)}, r"digits=\(8, 9\): none of the 3 images .* take more images"),
        ({"digits": (4, 5)}, r"digits=\(4, 5\): none of the 2 images .* take more images"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str):
    mnist = Mnist(_numbered([4, 1, 2, 3, 5], 0), _numbered([4, 5, 2, 3], 1000))
    with pytest.raises(UsageError, match=message):
        split(mnist, **{"train_size": 3, "validation_size": 2, **arguments})
