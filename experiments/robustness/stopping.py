"""2d in every setting: where each criterion stops, and what is lost by it."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from experiments import reported
from experiments.robustness import pairs
from experiments.robustness.declared import Declared
from experiments.robustness.parts import split
from experiments.robustness.specification import Multiverse, Setting, multiverse
from experiments.task2_logistic import claims
from experiments.task2_logistic.metrics import stop_metrics
from mnist_jax.data import Mnist
from mnist_jax.training import Criterion, Lag, Outcome, Patience, Schedule

CRITERIA = {"lag": Lag, "patience": Patience}
QUANTILES = (0.05, 0.5, 0.95)
OWN = {
    "digits": reported.DIGITS,
    "learning_rate": reported.LOGISTIC_RATE,
    "batch_size": reported.BATCH_SIZE,
}
OWN_CRITERION = {"criterion": "lag", "look_back": reported.EVALUATIONS_TO_STOP}
_PADDED = 512


class Curves(NamedTuple):
    """The runs of a part, and when they were evaluated.

    Attributes:
        setting: Digits and batch size.
        schedule: Their schedule.
        steps: The step of each evaluation.
        rows: A row for each run.
    """

    setting: Setting
    schedule: Schedule
    steps: Int[np.ndarray, " evaluations"]
    rows: np.ndarray

    def of(self, row: np.void) -> Setting:
        """The setting of a run, but for its order."""
        setting = self.setting | {"learning_rate": float(row["learning_rate"])}
        return {name: setting[name] for name in OWN}


class Stops(NamedTuple):
    """Where a criterion stops each run of a part; -1 where it does not."""

    criterion: str
    look_back: int
    places: Int[np.ndarray, " runs"]


def read(declared: pairs.Pairs, tables: dict[str, np.ndarray], mnist: Mnist) -> list[Curves]:
    """The runs of a family, with their schedules."""
    found = []
    for digits, size in pairs.chosen(declared):
        settings = pairs.settings(size, every_step=isinstance(declared, pairs.EveryStep))
        schedule = settings.schedule(len(split(mnist, digits).train.labels))
        steps = np.arange(0, settings.epochs * schedule.steps_per_epoch, schedule.evaluate_every)
        setting = {"digits": digits, "batch_size": size}
        found.append(Curves(setting, schedule, steps, tables[pairs.name(digits, size)]))
    return found


def multiverses(declared: Declared, curves: Sequence[Curves]) -> list[Multiverse]:
    """The claims of 2d in all settings."""
    stops = [_all_stops(declared, part.rows["validation_loss"]) for part in curves]
    found = list(zip(curves, stops, strict=True))
    by_order = {**OWN, "order": "file", "look_back": reported.EVALUATIONS_TO_STOP}
    own_range = {**OWN, **OWN_CRITERION}
    own_run = {**OWN, "order": "file", **OWN_CRITERION}
    units = ("digits",)
    return [
        multiverse(claims.stopping_step, by_order, units, _steps(found)),
        multiverse(claims.stopping_range, own_range, units, _ranges(found)),
        multiverse(claims.sensitivity, own_run, units, _losses(found), _lost(found)),
    ]


def first_stops(
    criterion: Criterion, losses: Float[np.ndarray, "runs evaluations"]
) -> Int[np.ndarray, " runs"]:
    """The evaluation at which a criterion stops each run; -1 where it does not.

    Example:
        >>> first_stops(Lag(1), np.array([[2.0, 1.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
        [2, -1]
    """
    count = losses.shape[1]
    # to one length, for one compilation; a loss that is not a number stops any criterion
    length = max(_PADDED, count + 1)
    padded = np.pad(losses, ((0, 0), (0, length - count)), constant_values=np.nan)
    places = np.asarray(_first_stops(criterion, jnp.asarray(padded)))
    return np.where(places < count, places, -1)


@partial(jax.jit, static_argnums=0)
def _first_stops(criterion: Criterion, losses: jax.Array) -> jax.Array:
    def one_run(losses: jax.Array) -> jax.Array:
        _, stops = jax.lax.scan(criterion.update, criterion.init(losses.dtype), losses)
        return jnp.argmax(stops)

    return jax.vmap(one_run)(losses)


def _all_stops(declared: Declared, losses: np.ndarray) -> list[Stops]:
    return [
        Stops(name, look_back, first_stops(criterion(look_back), losses))
        for name, criterion in CRITERIA.items()
        for look_back in declared.look_backs
    ]


Found = list[tuple[Curves, list[Stops]]]


def _order(row: np.void) -> str:
    return "file" if row["seed"] == pairs.IN_FILE_ORDER else f"seed {row['seed']}"


def _steps(found: Found) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of `stopping-step`, which asks both criteria."""
    for part, stops in found:
        for look_back in dict.fromkeys(each.look_back for each in stops):
            both = [each for each in stops if each.look_back == look_back]
            for run, row in enumerate(part.rows):
                steps = {each.criterion: _step(part, each.places[run]) for each in both}
                metrics = {"stop_step": steps, "final": {"step": part.steps[-1]}}
                setting = {**part.of(row), "order": _order(row), "look_back": look_back}
                yield setting, {"unshuffled": metrics}


def _step(part: Curves, place: int) -> int | None:
    return None if place < 0 else int(part.steps[place])


def _ranges(found: Found) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of `stopping-range`, over the shuffled runs of a setting."""
    for part, stops in found:
        shuffled = part.rows["seed"] != pairs.IN_FILE_ORDER
        for rate in dict.fromkeys(part.rows["learning_rate"]):
            chosen = shuffled & (part.rows["learning_rate"] == rate)
            for each in stops:
                runs = _ended(part, each.places, chosen)
                setting = part.of(part.rows[np.argmax(chosen)])
                setting |= {"criterion": each.criterion, "look_back": each.look_back}
                yield setting, {"shuffled": {"stop_steps": {"lag": stop_metrics(runs)}}}


def _ended(part: Curves, places: np.ndarray, chosen: np.ndarray) -> np.recarray:
    runs = np.zeros(len(places), [("outcome", np.int32), ("last_step", np.int32)])
    runs["outcome"] = np.where(places < 0, Outcome.FINISHED, Outcome.STOPPED_EARLY)
    runs["last_step"] = part.steps[places]
    return runs[chosen].view(np.recarray)


def _losses(found: Found) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of `sensitivity`; the criterion stands where the report's is."""
    for part, stops in found:
        lowest = part.steps[np.argmin(part.rows["validation_loss"], axis=1)]
        for each in stops:
            how = {"criterion": each.criterion, "look_back": each.look_back}
            for run, row in enumerate(part.rows):
                accuracy, place = row["validation_accuracy"], each.places[run]
                at_stop = None if place < 0 else {"validation_accuracy": accuracy[place]}
                metrics = {
                    "at_stop": {"lag": at_stop},
                    "final": {"validation_accuracy": accuracy[-1]},
                    "lowest_validation_loss": {"step": lowest[run]},
                }
                yield {**part.of(row), "order": _order(row), **how}, {"unshuffled": metrics}


def _lost(found: Found) -> dict[str, Any]:
    """Where each criterion stops, in epochs, and what the run still gains, over all runs."""
    measured = {}
    for number, first in enumerate(found[0][1]):
        parts = [(part, stops[number].places) for part, stops in found]
        numbers = np.concatenate([_gains(*part) for part in parts], axis=1)
        stop, lowest, gain = numbers[1:, numbers[0] > 0]
        measured[f"{first.criterion} {first.look_back}"] = {
            "stopped": numbers[0].mean(),
            "before_the_lowest_loss": float(np.mean(stop < lowest)),
            "gains_accuracy": float(np.mean(gain > 0)),
            "stop_epoch": _quantiles(stop),
            "lowest_epoch": _quantiles(lowest),
            "accuracy_lost": _quantiles(gain),
        }
    return measured


def _gains(part: Curves, places: np.ndarray) -> np.ndarray:
    """Whether each run is stopped, the epochs of the stop and of the lowest loss, the gain."""
    epoch, accuracy = part.schedule.steps_per_epoch, part.rows["validation_accuracy"]
    lowest = part.steps[np.argmin(part.rows["validation_loss"], axis=1)] / epoch
    at_stop = accuracy[np.arange(len(places)), places]
    return np.stack([places >= 0, part.steps[places] / epoch, lowest, accuracy[:, -1] - at_stop])


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {str(q): float(np.quantile(values, q)) for q in QUANTILES} if len(values) else {}
