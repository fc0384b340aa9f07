"""Orders of the epochs, and their batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_jax.training import in_file_order, shuffled
from mnist_jax.training.ordering import chunks, cut_batches

epochs = st.integers(0, 10_000)
three_seeds = st.lists(st.integers(0, 2**31 - 1), min_size=3, max_size=3, unique=True)


def shuffle(seeds: list[int], epoch: int, num_examples: int) -> np.ndarray:
    return shuffled(seeds)(epoch, num_examples)


@pytest.mark.parametrize("num_examples", [1, 2, 50])
@given(seeds=three_seeds, epoch=epochs)
def test_an_epoch_is_one_permutation_per_seed(seeds: list[int], epoch: int, num_examples: int):
    order = shuffle(seeds, epoch, num_examples)
    assert order.dtype == np.int32
    everyone = np.broadcast_to(np.arange(num_examples), (3, num_examples))
    np.testing.assert_array_equal(np.sort(order, axis=1), everyone)


@given(seeds=three_seeds, epoch=epochs)
def test_seeds_differ_and_epochs_differ(seeds: list[int], epoch: int):
    rows = [*shuffle(seeds, epoch, 50), *shuffle(seeds, epoch + 1, 50)]
    assert len({tuple(row) for row in rows}) == 6


@given(seeds=three_seeds, epoch=epochs)
def test_a_seed_gives_the_same_order_whatever_the_others(seeds: list[int], epoch: int):
    order = shuffle(seeds, epoch, 50)
    np.testing.assert_array_equal(shuffle(seeds[::-1], epoch, 50), order[::-1])


def test_every_example_comes_first_about_as_often():
    first = np.concatenate([shuffle(list(range(1000)), epoch, 4)[:, 0] for epoch in range(4)])
    shares = np.bincount(first, minlength=4) / len(first)
    np.testing.assert_allclose(shares, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / len(first)))


@pytest.mark.parametrize("num_examples", [1, 50])
@given(epoch=epochs)
def test_file_order_is_the_same_in_every_epoch(epoch: int, num_examples: int):
    expected = np.arange(num_examples, dtype=np.int32)[None]
    np.testing.assert_array_equal(in_file_order(epoch, num_examples), expected, strict=True)


@pytest.mark.parametrize(
    ("num_examples", "batch_size", "steps"),
    [(1, 1, 1), (5, 1, 5), (7, 7, 1), (60, 7, 8), (60, 59, 1), (3623, 128, 28)],
)
def test_batches_are_full_and_use_no_example_twice(num_examples: int, batch_size: int, steps: int):
    order = shuffle([1, 2], 0, num_examples)
    batches = cut_batches(order, batch_size)
    assert batches.shape == (steps, 2, batch_size)
    # what is dropped is the end of the order, less than a batch
    used = batches.swapaxes(0, 1).reshape(2, -1)
    assert 0 <= num_examples - used.shape[1] < batch_size
    np.testing.assert_array_equal(used, order[:, : used.shape[1]])
    assert all(len(set(row)) == len(row) for row in used.tolist())


@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    steps=st.integers(1, 12),
    lead=st.integers(0, 5),
)
def test_chunks_hold_every_batch_once_and_in_order(lengths: list[int], steps: int, lead: int):
    batches = np.arange(sum(lengths), dtype=np.int32).reshape(-1, 1, 1)
    epochs = np.split(batches, np.cumsum(lengths)[:-1])
    cut = list(chunks(iter(epochs), steps, lead))
    assert {len(chunk) for chunk in cut} == {steps}
    assert len(cut) == -(-(lead + len(batches)) // steps)
    np.testing.assert_array_equal(np.concatenate(cut)[lead : lead + len(batches)], batches)
