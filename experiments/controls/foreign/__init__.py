"""Gradients that other people wrote, called the way their users call them."""

from experiments.controls.foreign.courses_layers import COURSES_LAYERS
from experiments.controls.foreign.courses_linear import COURSES_LINEAR
from experiments.controls.foreign.courses_networks import COURSES_NETWORKS
from experiments.controls.foreign.courses_sequences import COURSES_SEQUENCES
from experiments.controls.foreign.courses_words import COURSES_WORDS
from experiments.controls.foreign.entry import Case, Foreign, Mistake
from experiments.controls.foreign.processes import PROCESSES
from experiments.controls.foreign.rules import RULES
from experiments.controls.foreign.scipy_rules import SCIPY_RULES
from experiments.controls.foreign.scipy_special import SCIPY_SPECIAL
from experiments.controls.foreign.sklearn_losses import SKLEARN_LOSSES
from experiments.controls.foreign.sklearn_models import SKLEARN_MODELS
from experiments.controls.foreign.sklearn_others import SKLEARN_OTHERS
from experiments.controls.foreign.statsmodels_others import STATSMODELS_OTHERS
from experiments.controls.foreign.statsmodels_scores import STATSMODELS_SCORES

FOREIGN: tuple[Foreign, ...] = (
    *SKLEARN_LOSSES,
    *SKLEARN_MODELS,
    *SKLEARN_OTHERS,
    *STATSMODELS_SCORES,
    *STATSMODELS_OTHERS,
    *SCIPY_RULES,
    *SCIPY_SPECIAL,
    *PROCESSES,
    *COURSES_LINEAR,
    *COURSES_NETWORKS,
    *COURSES_WORDS,
    *COURSES_LAYERS,
    *COURSES_SEQUENCES,
    *RULES,
)

__all__ = ["FOREIGN", "Case", "Foreign", "Mistake"]
