"""Metrics of a sweep for each pair of learning rate and penalty, over the seeds."""

from typing import Any

import numpy as np

from experiments.common.task import Table
from experiments.sweep.settings import SweepSettings
from mnist_jax.data import Split
from mnist_jax.sweeps import COLUMNS
from mnist_jax.training import Outcome

QUANTILES = (0.05, 0.5, 0.95)
MEASURES = ("final_validation_accuracy", "best_validation_accuracy", "best_validation_loss")


def metrics(settings: SweepSettings, split: Split, runs: np.recarray) -> dict[str, Any]:
    """Returns counts of outcomes, quantiles over the seeds of each pair, and the best pair.

    The best pair has the lowest median of the lowest validation losses.
    """
    pairs = [_pair(rate, l2, rows) for rate, l2, rows in by_pair(runs)]
    finite = [pair for pair in pairs if pair["best_validation_loss"] is not None]
    return {
        "train_examples": len(split.train.labels),
        "validation_examples": len(split.validation.labels),
        **settings.common_settings.schedule(len(split.train.labels))._asdict(),
        "runs": len(runs),
        "outcomes": {o.name.lower(): np.sum(runs.outcome == o) for o in Outcome if o},
        "pairs": pairs,
        "best": min(finite, key=lambda pair: pair["best_validation_loss"]["0.5"], default=None),
    }


def by_pair(runs: np.recarray) -> list[tuple[float, float, np.recarray]]:
    """Returns the runs of each pair of learning rate and factor of the penalty, sorted."""
    pairs = sorted({*zip(runs.learning_rate.tolist(), runs.l2.tolist(), strict=True)})
    chosen = [(runs.learning_rate == rate) & (runs.l2 == l2) for rate, l2 in pairs]
    return [(*pair, np.rec.array(runs[rows])) for pair, rows in zip(pairs, chosen, strict=True)]


def _pair(rate: float, l2: float, runs: np.recarray) -> dict[str, Any]:
    stopped = runs.last_step[runs.outcome == Outcome.STOPPED_EARLY]
    return {
        "learning_rate": rate,
        "l2": l2,
        "runs": len(runs),
        **{name: _quantiles(runs[name]) for name in MEASURES},
        "stopped": len(stopped),
        "stop_step": _quantiles(stopped),
    }


def _quantiles(values: np.ndarray) -> dict[str, float] | None:
    finite = values[np.isfinite(values)]
    return {str(q): float(np.quantile(finite, q)) for q in QUANTILES} if len(finite) else None


def run_table(runs: np.recarray) -> Table:
    """Returns the table of runs.csv, with a row for each run."""
    names = COLUMNS.names or ()
    rows = (
        [Outcome(run[name]).name.lower() if name == "outcome" else run[name] for name in names]
        for run in runs
    )
    return Table(names, rows)


def summary_rows(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the rows of the summary."""
    counts = ", ".join(f"{count} {name}" for name, count in metrics["outcomes"].items() if count)
    rows = [("runs", str(metrics["runs"])), ("outcomes", counts)]
    if best := metrics["best"]:
        place = f"learning rate {best['learning_rate']:g} and λ = {best['l2']:g}"
        loss = f"{best['best_validation_loss']['0.5']:.4f} nats, at {place}"
        accuracy = _spread(best["best_validation_accuracy"], ".2%")
        spread = "(median, 5th to 95th percentile)"
        rows.append(("lowest validation loss (median over the seeds)", loss))
        rows.append((f"validation accuracy there {spread}", accuracy))
        if best["stopped"]:
            rows.append((f"stopping step there {spread}", _spread(best["stop_step"], ".0f")))
    return rows


def _spread(quantiles: dict[str, float], form: str) -> str:
    low, middle, high = (format(quantiles[str(q)], form) for q in QUANTILES)
    return f"{middle}, {low} to {high}"
