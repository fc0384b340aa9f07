"""Wrong gradients of the report's three tasks, each with a mistake that people make."""

from experiments.controls.mutations.batch import BATCH
from experiments.controls.mutations.logistic import LOGISTIC
from experiments.controls.mutations.mutation import Mutation
from experiments.controls.mutations.penalty import PENALTY
from experiments.controls.mutations.softmax import SOFTMAX

MUTATIONS: tuple[Mutation, ...] = (*LOGISTIC, *SOFTMAX, *BATCH, *PENALTY)

__all__ = ["MUTATIONS", "Mutation"]
