"""Task 4 in every setting, and at the optimum itself."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from experiments import reported
from experiments.robustness.declared import Declared, Penalty
from experiments.robustness.optimum import exponents
from experiments.robustness.penalty import MEASURES, name
from experiments.robustness.specification import Multiverse, Setting, multiverse
from experiments.task4_regularization import claims
from experiments.task4_regularization.metrics import norm_exponent

OWN = {
    "batch_size": reported.BATCH_SIZE,
    "epochs": reported.EPOCHS,
    "learning_rate": reported.SOFTMAX_RATE,
    "order": "seed 0",
}


def multiverses(
    declared: Declared, tables: dict[str, np.ndarray], optima: dict[str, np.ndarray]
) -> list[Multiverse]:
    """The claims of task 4 in all settings; runs that differ in their seed count as one."""
    settings = list(_settings(declared.penalty, tables))
    units = ("batch_size", "epochs", "learning_rate")
    at_the_optimum = {"optimum": {each: turning(rows) for each, rows in optima.items()}}
    return [
        multiverse(claims.noise, OWN, units, settings),
        multiverse(claims.accuracy_falls, OWN, units, settings),
        multiverse(claims.norm_inverse, OWN, units, settings, at_the_optimum),
    ]


def _settings(declared: Penalty, tables: dict[str, np.ndarray]) -> Iterator[tuple[Setting, Any]]:
    for batch_size in declared.batch_sizes:
        for epochs in declared.epochs:
            rows = tables[name(batch_size, epochs)]
            for (seed, rate), some in groupby(
                rows, lambda row: (row["seed"], row["learning_rate"])
            ):
                runs = {
                    str(float(r["l2"])): {each: float(r[each]) for each in MEASURES} for r in some
                }
                setting = {
                    "batch_size": batch_size,
                    "epochs": epochs,
                    "learning_rate": float(rate),
                    "order": f"seed {seed}",
                }
                norms = {float(l2): run["weight_norm"] for l2, run in runs.items()}
                yield (
                    setting,
                    {
                        "runs": runs,
                        "norm_exponent": norm_exponent(norms),
                        "validation_examples": reported.VALIDATION_SIZE,
                    },
                )


def turning(rows: np.ndarray) -> dict[str, Any]:
    """The norm at the optimum, its local exponent, and from which factor on that is near -1."""
    rows = np.sort(rows, order="l2")
    local = exponents(rows["l2"], rows["norm"])
    near = claims.NEAR_INVERSE.met(np.abs(local - reported.NORM_EXPONENT))
    of_the_report = np.isclose(rows["l2"][:, None], reported.L2_FACTORS).any(axis=1)
    fitted = norm_exponent({float(row["l2"]): float(row["norm"]) for row in rows[of_the_report]})
    return {
        **{column: rows[column] for column in rows.dtype.names or ()},
        "exponent": local,
        "fitted_exponent": fitted,
        "largest_gradient": rows["gradient"].max(),
        "exponent_is_half_at": _crossing(rows["l2"], local, -0.5),
        "near_inverse_from": float(rows["l2"][near].min()) if near.any() else None,
    }


def _crossing(l2: np.ndarray, exponent: np.ndarray, level: float) -> float:
    """The factor from which on the exponent is below a level, between two factors; NaN if none."""
    above = np.flatnonzero(exponent >= level)
    if not len(above) or above[-1] + 1 == len(l2):
        return float("nan")
    some = slice(above[-1], above[-1] + 2)
    return float(np.exp(np.interp(-level, -exponent[some], np.log(l2[some]))))
