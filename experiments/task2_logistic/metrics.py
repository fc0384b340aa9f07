"""The numbers of task 2, from its runs."""

from typing import Any, NamedTuple

import numpy as np

from experiments.common.runs import run_metrics
from experiments.task2_logistic.spikes import find_spikes
from mnist_jax import training
from mnist_jax.training import Lag, Outcome, Patience, TrainingResult

CRITERIA = {"lag": Lag(10), "patience": Patience(10)}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Unshuffled(NamedTuple):
    """Runs in file order: evaluated as the report does, and after every step."""

    run: TrainingResult
    every_step: TrainingResult


class Shuffled(NamedTuple):
    """Shuffled runs: to the last epoch, and stopped by each criterion."""

    curves: TrainingResult
    stopped: dict[str, np.recarray]


def unshuffled_metrics(unshuffled: Unshuffled) -> dict[str, Any]:
    """Numbers of the runs in file order."""
    run, every_step = unshuffled
    steps, evaluations = run.history.evaluation_steps, run.history.evaluations
    epoch = run.schedule.steps_per_epoch
    stops = {
        name: training.stopping_step(criterion, evaluations.validation_loss, steps)
        for name, criterion in CRITERIA.items()
    }
    return run_metrics(run) | {
        "stop_step": stops,
        "at_stop": {name: at_step(run, stop) for name, stop in stops.items()},
        "spikes": find_spikes(evaluations.validation_accuracy, steps, epoch),
        "spikes_every_step": find_spikes(
            every_step.history.evaluations.validation_accuracy,
            every_step.history.evaluation_steps,
            epoch,
        ),
        "epochs": len(run.history.train_loss) // epoch,
    }


def at_step(run: TrainingResult, step: int | None) -> dict[str, Any] | None:
    """The evaluation of a step."""
    if step is None:
        return None
    row = np.searchsorted(run.history.evaluation_steps, step)
    return {name: values[row] for name, values in run.history.evaluations._asdict().items()}


def shuffled_metrics(shuffled: Shuffled) -> dict[str, Any]:
    """Numbers of the shuffled runs."""
    history = shuffled.curves.history
    accuracy = history.evaluations.validation_accuracy[:, :, 0]
    epoch = shuffled.curves.schedule.steps_per_epoch
    spikes = [find_spikes(run, history.evaluation_steps, epoch) for run in accuracy.T]
    depths = [spike["depths"].max(initial=0) for spike in spikes]
    return {
        "stop_steps": {name: stop_metrics(runs) for name, runs in shuffled.stopped.items()},
        "spikes": {
            "seeds": len(spikes),
            "mean_count": np.mean([spike["count"] for spike in spikes]),
            "median_count": np.median([spike["count"] for spike in spikes]),
            "maximum_count": max(spike["count"] for spike in spikes),
            "mean_greatest_depth": np.mean(depths),
        },
        "lowest_validation_loss": {"steps": shuffled.curves.best_step[:, 0]},
        "final_validation_accuracy": accuracy[-1],
    }


def stop_metrics(runs: np.recarray) -> dict[str, Any]:
    """The distribution of the stopping steps.

    Extremes and quantiles are of the runs that the criterion stopped; the share is of all runs.
    """
    steps = runs.last_step[runs.outcome == Outcome.STOPPED_EARLY]
    if not len(steps):
        return {"seeds": len(runs), "stopped": 0}
    return {
        "seeds": len(runs),
        "stopped": len(steps),
        "minimum": steps.min(),
        "maximum": steps.max(),
        "quantiles": {str(q): np.quantile(steps, q) for q in QUANTILES},
        "share_within_65_to_195": np.sum((steps >= 65) & (steps <= 195)) / len(runs),
    }


def summary(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The closing table."""
    run = metrics["unshuffled"]
    final = run["final"]
    rows = [
        ("training / validation images", "{train_examples} / {validation_examples}"),
        ("steps per epoch, evaluation every", "{steps_per_epoch}, {evaluate_every}"),
        ("unshuffled run", run["outcome"]),
    ]
    rows = [(what, text.format(**metrics)) for what, text in rows]
    if final:
        rows += [
            ("validation loss at the end", f"{final['validation_loss']:.4f} nats"),
            ("validation accuracy at the end", f"{final['validation_accuracy']:.2%}"),
            ("training accuracy at the end", f"{final['train_accuracy']:.2%}"),
        ]
    rows += [(f"stops at step, by {name}", str(s)) for name, s in run["stop_step"].items()]
    rows += [("spikes after the first epoch", str(run["spikes"]["count"]))]
    if "shuffled" in metrics:
        shuffled = metrics["shuffled"]
        rows += [
            (f"shuffled, stops by {name}, of {stops['seeds']} runs", stop_text(stops))
            for name, stops in shuffled["stop_steps"].items()
        ]
        rows += [("shuffled, mean number of spikes", f"{shuffled['spikes']['mean_count']:.2f}")]
    return rows


def stop_text(stops: dict[str, Any]) -> str:
    """The distribution of stopping steps in words."""
    if not stops["stopped"]:
        return "none stopped"
    quantiles = stops["quantiles"]
    return (
        f"{stops['stopped']} stopped, at {stops['minimum']} to {stops['maximum']}, "
        f"5th to 95th percentile {quantiles['0.05']:.0f} to {quantiles['0.95']:.0f}"
    )
