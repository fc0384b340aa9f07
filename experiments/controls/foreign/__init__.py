"""Gradients that other people wrote, called the way their users call them."""

from experiments.controls.foreign import (
    courses_layers,
    courses_linear,
    courses_networks,
    courses_sequences,
    processes,
    rules,
    scipy_functions,
    sklearn_losses,
    sklearn_models,
    sklearn_others,
    statsmodels_others,
    statsmodels_scores,
)
from experiments.controls.foreign.entry import Case, Foreign, Mistake

FOREIGN: tuple[Foreign, ...] = (
    *sklearn_losses.ENTRIES,
    *sklearn_models.ENTRIES,
    *sklearn_others.ENTRIES,
    *statsmodels_scores.ENTRIES,
    *statsmodels_others.ENTRIES,
    *scipy_functions.ENTRIES,
    *processes.ENTRIES,
    *courses_linear.ENTRIES,
    *courses_networks.ENTRIES,
    *courses_layers.ENTRIES,
    *courses_sequences.ENTRIES,
    *rules.ENTRIES,
)

__all__ = ["FOREIGN", "Case", "Foreign", "Mistake"]
