"""Gradients that other people wrote, called the way their users call them."""

from importlib import import_module

from experiments.controls.foreign.entry import Case, Foreign, Mistake

MODULES = (
    *("sklearn_losses", "sklearn_models", "sklearn_others", "statsmodels_scores"),
    *("statsmodels_others", "scipy_functions", "processes", "courses_linear", "courses_networks"),
    *("courses_layers", "courses_sequences", "rules"),
)
FOREIGN: tuple[Foreign, ...] = tuple(
    entry for name in MODULES for entry in import_module(f"{__name__}.{name}").ENTRIES
)

__all__ = ["FOREIGN", "Case", "Foreign", "Mistake"]
