"""Runs and batches that devices divide, compared with a single device."""

import os
import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

from mnist_jax.data import Examples, Split
from mnist_jax.errors import UsageError
from mnist_jax.models import logistic, softmax_regression
from mnist_jax.training import (
    Lag,
    Placement,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    shuffled,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (200, 6), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)
SETTINGS = TrainingSettings(epochs=4, batch_size=16, criterion=Lag(3))
EIGHT = "--xla_force_host_platform_device_count=8"

with_eight = pytest.mark.skipif(
    jax.device_count() < 8, reason="run by test_in_a_process_with_eight_virtual_devices"
)


def test_in_a_process_with_eight_virtual_devices():
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-q", __file__, "-k", "devices_agree"],
        env={**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": EIGHT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert "3 passed" in process.stdout


def assert_agree(shared: TrainingResult, alone: TrainingResult) -> None:
    np.testing.assert_array_equal(shared.last_step, alone.last_step)
    np.testing.assert_array_equal(shared.outcome, alone.outcome)
    for ours, theirs in zip(
        (shared.weights, shared.history.train_loss, *shared.history.evaluations),
        (alone.weights, alone.history.train_loss, *alone.history.evaluations),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@with_eight
@pytest.mark.parametrize(
    ("orders", "rates", "at_once"),
    [(11, 2, 8), (1, 16, None)],  # seeds are shared, or else rates
)
def test_devices_agree_when_they_share_runs(orders: int, rates: int, at_once: int | None):
    model = logistic
    runs = hyperparameters(np.geomspace(0.01, 5, rates), num_orders=orders)
    options = {"ordering": shuffled(range(orders)), "orders_at_once": at_once}
    shared = fit(model, SPLIT, runs, SETTINGS, placement=Placement(tuple(jax.devices())), **options)
    assert_agree(shared, fit(model, SPLIT, runs, SETTINGS, **options))


@with_eight
def test_devices_agree_when_they_share_batches():
    model = softmax_regression(2)
    placement = Placement(tuple(jax.devices()), shared="batches")
    runs = hyperparameters([0.1, 1.0])
    shared = fit(model, SPLIT, runs, SETTINGS, placement=placement)
    assert_agree(shared, fit(model, SPLIT, runs, SETTINGS))


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        (Placement((None,) * 8), "3 runs of one batch order, but 8 devices"),
        (Placement((None,) * 3, shared="batches"), "batch_size is 16, but there are 3 devices"),
    ],
)
def test_work_that_does_not_divide_evenly_is_reported(placement: Placement, message: str):
    with pytest.raises(UsageError, match=message):
        fit(logistic, SPLIT, hyperparameters([0.1, 0.2, 0.3]), SETTINGS, placement=placement)


def test_a_single_explicit_device():
    placement = Placement((jax.devices()[0],))
    settings = replace(SETTINGS, epochs=2)
    named = fit(logistic, SPLIT, hyperparameters(0.1), settings, placement=placement)
    assert_agree(named, fit(logistic, SPLIT, hyperparameters(0.1), settings))
