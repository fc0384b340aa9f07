"""What the page says of task 2's stopping criteria, in file order and over shuffled runs."""

from typing import Any

from experiments.common.captions import Caption, TaskMetrics
from experiments.common.words import counted, join, known
from experiments.task2_logistic.metrics import CRITERIA

SLIGHT = 0.05
"""A loss within so much of its lowest is near it."""


def criteria(metrics: TaskMetrics) -> str:
    """How far apart the two criteria stop the run in file order."""
    found = metrics["unshuffled"]["stop_step"]
    if not metrics["unshuffled"]["final"]:
        return ""  # no loss is below one that is not a number, so any criterion stops
    stops = {name: stop for name, stop in found.items() if stop is not None}
    if not stops:
        return "Neither stopping criterion ends it."
    if len(stops) == 1:
        [(name, stop)] = stops.items()
        return f"Of the two stopping criteria only {name} would end it, at step {stop}."
    lag, patience = stops["lag"], stops["patience"]
    waits = CRITERIA["lag"].evaluations
    if patience <= lag:
        return f"Both stopping criteria end it early, patience no later than lag (step {patience})."
    return (
        f"Both stopping criteria wait for {waits} evaluations, but lag ends the run at step {lag} "
        f"and patience at {patience}, {patience / max(lag, 1):.1f} times as far."
    )


def cost(metrics: TaskMetrics) -> str:
    """What stopping by lag gives up, in loss."""
    run = metrics["unshuffled"]
    at_stop, lowest = run["at_stop"]["lag"], run["lowest_validation_loss"]["validation_loss"]
    if not at_stop or not known(at_stop["validation_loss"], lowest) or lowest <= 0:
        return ""
    ratio = at_stop["validation_loss"] / lowest
    if ratio <= 1 + SLIGHT:
        return "Little is lost at lag's stop: the validation loss is near its lowest."
    return f"At lag's stop the validation loss is still {ratio:.1f} times the lowest it will reach."


def stopping(metrics: TaskMetrics) -> Caption:
    """2d: where the shuffled runs stop."""
    stops = metrics["shuffled"]["stop_steps"]
    return Caption(
        "2d: the step at which shuffled runs stop",
        join(
            "Histograms of the step at which training stops, one for each criterion.",
            *(distribution(name, found) for name, found in stops.items()),
        ),
        join(chance(stops["lag"]), overlap(stops)),
    )


def distribution(name: str, stops: dict[str, Any]) -> str:
    """The stopping steps of one criterion."""
    if not stops["stopped"]:
        return f"By {name}, none of {counted(stops['seeds'], 'run')} stops."
    return (
        f"By {name}, {stops['stopped']} of {counted(stops['seeds'], 'run')} stop, at steps "
        f"{stops['minimum']} to {stops['maximum']}, half of them by step "
        f"{stops['quantiles']['0.5']:.0f}."
    )


def chance(stops: dict[str, Any]) -> str:
    """How far the order of the batches alone moves the stop."""
    if stops["stopped"] < 2 or stops["maximum"] == stops["minimum"]:
        return ""
    factor = stops["maximum"] / max(stops["minimum"], 1)
    return (
        "These runs differ in the order of their batches and in nothing else: by lag, the last "
        f"one stops {factor:.1f} times as far as the first."
    )


def overlap(stops: dict[str, Any]) -> str:
    """Whether the two criteria can be told apart by where they stop."""
    lag, patience = stops["lag"], stops["patience"]
    if not lag["stopped"] or not patience["stopped"]:
        return ""
    if patience["quantiles"]["0.05"] > lag["quantiles"]["0.95"]:
        return "The two stopping ranges barely overlap."
    return "The two stopping ranges overlap."
