"""Evaluates and judges the report's derivations line by line."""

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.judging import (
    BOUND,
    EQUATIONS,
    Judgement,
    Verdict,
    default_problems,
    judge,
    judge_all,
    ledger,
)
from mnist_jax.derivation.problem import Problem, Task, random_problems
from mnist_jax.derivation.steps import Steps, check_steps

__all__ = [
    "BOUND",
    "EQUATIONS",
    "Equation",
    "Judgement",
    "Line",
    "Problem",
    "Steps",
    "Task",
    "Verdict",
    "check_steps",
    "default_problems",
    "judge",
    "judge_all",
    "ledger",
    "random_problems",
]
