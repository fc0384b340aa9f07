"""The library's plan of memory, held against what the compilers say of the same programs."""

from typing import Any

import numpy as np

from experiments.accelerators.programs import MODELS, PIXELS, SIZES, title, training_settings
from mnist_jax.data import Examples, Split
from mnist_jax.sweeps.memory import need
from mnist_jax.training.tuning import GPU, TPU, Tuning

PLANNED = (1000, 10_000)
"""Runs for which the plan is held to the compilers'."""
MOST = 1.15
"""What the plan may be, over what the compilers need. It may never be below: a part that does not
fit ends in an error."""


def hold(rows: list[dict[str, Any]]) -> None:
    """Adds the plan to the rows of training programs, and a violation where it is off.

    What is needed is the training program and, beside it, the count of the weights that the one
    before set aside; both share the examples.

    Args:
        rows: What was compiled.
    """
    by_name = {(r["program"], r["precision"], r["device"]): r for r in rows if r["compiled"]}
    for (name, precision, device), training in by_name.items():
        for model in MODELS:
            for runs in PLANNED:
                counted = by_name.get((title("count", model, runs), precision, device))
                held = "plan" in training
                if name == title("training", model, runs) and counted and not held:
                    _hold(training, counted, model, runs)


def _hold(training: dict[str, Any], counted: dict[str, Any], model: str, runs: int) -> None:
    images = SIZES[model][0] * (PIXELS + 4)  # and labels: arguments of both
    needed = training["memory"]["total"] + counted["memory"]["total"] - images
    tuned = TPU if training["device"] == "v5e" else GPU
    planned = plan(model, training["precision"], runs, tuned)
    training["plan"] = {"bytes": planned, "needed": needed, "ratio": planned / needed}
    if not 1 <= planned / needed <= MOST:
        training["violations"].append(
            f"the plan for memory is {planned:,} bytes, {planned / needed:.2f} times what the "
            f"compiler needs; it must be 1 to {MOST} times"
        )


def plan(model: str, precision: str, runs: int, tuned: Tuning) -> int:
    """The library's plan for runs that share their batches, in bytes."""
    examples = [
        Examples(np.zeros((size, PIXELS), np.uint8), np.zeros(size, np.int32))
        for size in SIZES[model]
    ]
    settings = training_settings(precision)
    return need(MODELS[model], Split(*examples), settings, 1, runs, tuned).total
