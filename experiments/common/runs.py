"""The numbers that every task gives of a single run."""

from typing import Any

import numpy as np

from mnist_jax.training import Outcome, TrainingResult


@np.errstate(over="ignore")  # the weights of a diverged run may be larger than their square
def run_metrics(run: TrainingResult) -> dict[str, Any]:
    """The numbers of one run: its last evaluation, how it ended, the size of its weights."""
    weights = run.weights.astype(np.float64)
    return {
        "final": final_evaluation(run),
        "last_epoch_validation_accuracy": last_epoch_mean(run),
        "outcome": Outcome(int(run.outcome)).message(int(run.last_step)),
        "weight_norm": np.linalg.norm(weights),
        "weight_sum": weights.sum(),
        "lowest_validation_loss": {
            "step": run.best_step,
            "validation_loss": np.nanmin(run.history.evaluations.validation_loss, initial=np.inf),
        },
    }


def final_evaluation(run: TrainingResult) -> dict[str, Any]:
    """The last evaluation before the run ended; empty if there was none."""
    evaluated = np.flatnonzero(np.isfinite(run.history.evaluations.validation_loss))
    if not len(evaluated):
        return {}
    last = evaluated[-1]
    values = {name: values[last] for name, values in run.history.evaluations._asdict().items()}
    return {"step": run.history.evaluation_steps[last], **values}


def last_epoch_mean(run: TrainingResult) -> float | None:
    """The mean validation accuracy of the last epoch's evaluations; None if there was none."""
    history, evaluations = run.history, run.history.evaluations
    last_epoch = history.evaluation_steps > run.last_step - run.schedule.steps_per_epoch
    values = evaluations.validation_accuracy[last_epoch & np.isfinite(evaluations.validation_loss)]
    return float(values.mean()) if len(values) else None
