"""The library's memory estimates, compared with the memory that the compilers report."""

from itertools import product
from typing import Any

from experiments.accelerators.programs import MODELS, title
from experiments.accelerators.tracing import PIXELS, SIZES, example_split, training_settings
from mnist_jax.sweeps.memory import need
from mnist_jax.training.tuning import GPU, TPU

RUNS = (1000, 10_000)
"""Numbers of runs for which estimates are compared."""
MAX_RATIO = 1.15
"""Largest estimate relative to the compilers' memory. The smallest is 1, because a part that does
not fit ends in an error."""


def compare(rows: list[dict[str, Any]]) -> None:
    """Adds the estimate to the rows of training programs, and a violation if it is out of bounds.

    The memory of a training is that of its program and of the concurrent count of training
    accuracy; both share the examples.
    """
    by_name = {(r["program"], r["precision"], r["device"]): r for r in rows if r["compiled"]}
    for model, runs, (precision, device) in product(MODELS, RUNS, {key[1:] for key in by_name}):
        training, count = (
            by_name.get((title(group, model, runs), precision, device))
            for group in ("training", "count")
        )
        if training and count and "plan" not in training:
            _compare_row(training, count, model, runs)


def _compare_row(training: dict[str, Any], count: dict[str, Any], model: str, runs: int) -> None:
    examples = SIZES[model][0] * (PIXELS + 4)  # images and labels, arguments of both programs
    needed = training["memory"]["total"] + count["memory"]["total"] - examples
    estimated = estimate(model, training["precision"], runs, training["device"])
    ratio = estimated / needed
    training["plan"] = {"bytes": estimated, "needed": needed, "ratio": ratio}
    if not 1 <= ratio <= MAX_RATIO:
        training["violations"].append(
            f"the memory estimate is {estimated:,} bytes, {ratio:.2f} times the compiler's; it "
            f"must be 1 to {MAX_RATIO} times"
        )


def estimate(model: str, precision: str, runs: int, device: str) -> int:
    """Returns the library's estimate for runs that share their batches, in bytes."""
    tuned = TPU if device == "v5e" else GPU
    settings = training_settings(precision)
    return need(MODELS[model], example_split(model), settings, 1, runs, tuned).total
