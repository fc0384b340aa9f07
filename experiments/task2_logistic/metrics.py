"""The numbers of task 2, from its runs: where they stop, their accuracies, their spikes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

import numpy as np

from experiments import reported
from experiments.common.runs import (
    Evaluation,
    RunMetrics,
    ScheduleMetrics,
    evaluation,
    run_metrics,
    schedule_metrics,
)
from experiments.common.task import Table
from experiments.task2_logistic.spikes import Spikes, find_spikes
from mnist_jax import training
from mnist_jax.data import Split
from mnist_jax.training import Lag, Outcome, Patience, TrainingResult

CRITERIA = {
    "lag": Lag(reported.EVALUATIONS_TO_STOP),
    "patience": Patience(reported.EVALUATIONS_TO_STOP),
}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Runs:
    """The runs of task 2."""

    split: Split  # examples of all runs
    unshuffled: TrainingResult  # run in file order, evaluated as the report does
    every_step: TrainingResult  # the same, evaluated after every step
    shuffled: TrainingResult | None  # shuffled runs to the last epoch
    stopped: dict[str, np.recarray]  # table of the shuffled runs that each criterion was to stop

    def named(self, first_seed: int) -> dict[str, TrainingResult]:
        """The runs whose histories are written, by name."""
        runs = {"unshuffled": self.unshuffled, "unshuffled, every step": self.every_step}
        if self.shuffled:
            for order in range(len(self.shuffled.last_step)):
                runs[f"shuffled, seed {first_seed + order}"] = self.shuffled.run(order, 0)
        return runs


class UnshuffledMetrics(RunMetrics):
    """Numbers of the run in file order; a step is None where a criterion does not stop it."""

    stop_step: dict[str, int | None]
    at_stop: dict[str, Evaluation | None]
    spikes: Spikes
    spikes_every_step: Spikes
    epochs: int


class StopMetrics(TypedDict):
    """Distribution of the stopping steps; without runs that stopped, the first two alone.

    Extremes and quantiles are of the runs that the criterion stopped; the share is of all runs.
    """

    seeds: int
    stopped: int
    minimum: int
    maximum: int
    quantiles: dict[str, float]
    share_within_65_to_195: float


class ShuffledSpikes(TypedDict):
    """Number and depth of the spikes of shuffled runs."""

    seeds: int
    mean_count: float
    median_count: float
    maximum_count: int
    mean_greatest_depth: float


class ShuffledMetrics(TypedDict):
    """Numbers of the shuffled runs."""

    stop_steps: dict[str, StopMetrics]
    spikes: ShuffledSpikes
    lowest_validation_loss: dict[str, np.ndarray]
    final_validation_accuracy: np.ndarray


class Task2Metrics(ScheduleMetrics):
    """Contents of task 2's metrics.json; `shuffled` is absent with --no-shuffle."""

    unshuffled: UnshuffledMetrics
    shuffled: ShuffledMetrics


def task_metrics(runs: Runs) -> Task2Metrics:
    """Contents of task 2's metrics.json."""
    sizes = (len(runs.split.train.labels), len(runs.split.validation.labels))
    shuffled = runs.shuffled and {"shuffled": shuffled_metrics(runs.shuffled, runs.stopped)}
    numbers = {
        **schedule_metrics(runs.unshuffled, *sizes),
        "unshuffled": unshuffled_metrics(runs.unshuffled, runs.every_step),
        **(shuffled or {}),
    }
    return cast(Task2Metrics, numbers)


def unshuffled_metrics(run: TrainingResult, every_step: TrainingResult) -> UnshuffledMetrics:
    """Numbers of the runs in file order."""
    steps, evaluations = run.history.evaluation_steps, run.history.evaluations
    epoch = run.schedule.steps_per_epoch
    every = every_step.history
    stops = {
        name: training.stopping_step(criterion, evaluations.validation_loss, steps)
        for name, criterion in CRITERIA.items()
    }
    return {
        **run_metrics(run),
        "stop_step": stops,
        "at_stop": {name: at_step(run, stop) for name, stop in stops.items()},
        "spikes": find_spikes(evaluations.validation_accuracy, steps, epoch),
        "spikes_every_step": find_spikes(
            every.evaluations.validation_accuracy, every.evaluation_steps, epoch
        ),
        "epochs": len(run.history.train_loss) // epoch,
    }


def at_step(run: TrainingResult, step: int | None) -> Evaluation | None:
    """The evaluation of a step."""
    if step is None:
        return None
    return evaluation(run, int(np.searchsorted(run.history.evaluation_steps, step)))


def shuffled_metrics(runs: TrainingResult, stopped: dict[str, np.recarray]) -> ShuffledMetrics:
    """Numbers of the shuffled runs."""
    accuracy = runs.history.evaluations.validation_accuracy[:, :, 0]
    steps, epoch = runs.history.evaluation_steps, runs.schedule.steps_per_epoch
    return {
        "stop_steps": {name: stop_metrics(table) for name, table in stopped.items()},
        "spikes": spikes_of_runs([find_spikes(run, steps, epoch) for run in accuracy.T]),
        "lowest_validation_loss": {"steps": runs.best_step[:, 0]},
        "final_validation_accuracy": accuracy[-1],
    }


def spikes_of_runs(spikes: Sequence[Spikes]) -> ShuffledSpikes:
    """Number and depth of the spikes of several runs."""
    counts = [each["count"] for each in spikes]
    deepest = [each["depths"].max(initial=0) for each in spikes]
    return {
        "seeds": len(spikes),
        "mean_count": float(np.mean(counts)),
        "median_count": float(np.median(counts)),
        "maximum_count": max(counts),
        "mean_greatest_depth": float(np.mean(deepest)),
    }


def stop_metrics(runs: np.recarray) -> StopMetrics:
    """Distribution of the stopping steps of one criterion."""
    steps = runs.last_step[runs.outcome == Outcome.STOPPED_EARLY]
    if not len(steps):
        return cast(StopMetrics, {"seeds": len(runs), "stopped": 0})
    low, high = reported.STOPPING_RANGE
    return {
        "seeds": len(runs),
        "stopped": len(steps),
        "minimum": int(steps.min()),
        "maximum": int(steps.max()),
        "quantiles": {str(q): float(np.quantile(steps, q)) for q in QUANTILES},
        "share_within_65_to_195": float(np.sum((steps >= low) & (steps <= high)) / len(runs)),
    }


def stopping_table(stopped: dict[str, np.recarray]) -> Table:
    """One row per shuffled run that a criterion was to stop."""
    rows = (
        (name, run.seed, Outcome(run.outcome).name.lower(), run.last_step, run.best_step)
        for name, table in stopped.items()
        for run in table
    )
    return Table(("criterion", "seed", "outcome", "last_step", "best_step"), rows)


def summary(metrics: Task2Metrics) -> list[tuple[str, str]]:
    """The closing table."""
    run = metrics["unshuffled"]
    images = f"{metrics['train_examples']} / {metrics['validation_examples']}"
    every = f"{metrics['steps_per_epoch']}, {metrics['evaluate_every']}"
    rows = [
        ("training / validation images", images),
        ("steps per epoch, evaluation every", every),
        ("run in file order", run["outcome"]),
    ]
    if final := run["final"]:
        rows += [
            ("validation loss at the end", f"{final['validation_loss']:.4f} nats"),
            ("validation accuracy at the end", f"{final['validation_accuracy']:.2%}"),
            ("training accuracy at the end", f"{final['train_accuracy']:.2%}"),
        ]
    rows += [(f"{name} stops it at step", str(s)) for name, s in run["stop_step"].items()]
    rows += [("spikes after the first epoch", str(run["spikes"]["count"]))]
    if "shuffled" in metrics:
        shuffled = metrics["shuffled"]
        rows += [
            (f"shuffled, stops by {name}, of {stops['seeds']} runs", stop_text(stops))
            for name, stops in shuffled["stop_steps"].items()
        ]
        rows += [("shuffled, mean number of spikes", f"{shuffled['spikes']['mean_count']:.2f}")]
    return rows


def stop_text(stops: StopMetrics) -> str:
    """Distribution of stopping steps in words."""
    if not stops["stopped"]:
        return "none stopped"
    quantiles = stops["quantiles"]
    return (
        f"{stops['stopped']} stopped, at {stops['minimum']} to {stops['maximum']}, "
        f"5th to 95th percentile {quantiles['0.05']:.0f} to {quantiles['0.95']:.0f}"
    )
