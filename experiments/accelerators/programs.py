"""The programs of the library that are compiled for accelerators."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import jax
import numpy as np

from experiments.accelerators.compiling import AbstractPlacement
from experiments.accelerators.tracing import (
    MODELS,
    trace_checker,
    trace_count,
    trace_function,
    trace_training,
    training_plan,
    weights_shape,
)
from mnist_jax import curvature, gradients
from mnist_jax.models import objective
from mnist_jax.precision import in_precision
from mnist_jax.training.tuning import GPU

Group = Literal["training", "count", "gradients", "curvature", "checker"]
GROUPS: tuple[Group, ...] = get_args(Group)
RUNS = (1, 64, 1000, 10_000)
PRECISIONS = ("float32", "float64")
Functions = dict[str, tuple[Callable[..., Any], str, str]]
"""Functions by name, each with its model and the initials of its arguments."""


class Program(NamedTuple):
    """A program to compile."""

    name: str  # name of the program, including its model
    group: Group  # group of the program
    precision: str  # dtype of the program
    chips: int  # number of chips that share the program
    # function from the placement of the arguments to the traced program
    trace: Callable[[AbstractPlacement], Any]
    weights: int = 0  # number of weights on one chip, to find them in the kernels; 0 for none
    steps: int = 0  # number of training steps in the program; 0 if it does not train
    collectives: tuple[str, ...] = ()  # collective operations that the program may contain

    def traced(self, devices: tuple[Any, ...]) -> Any:
        """Returns the program traced for arguments on these devices."""
        shared = "batches" if self.collectives else "runs"
        with in_precision(self.precision):
            return self.trace(AbstractPlacement(devices, shared))


def programs(groups: tuple[Group, ...] = GROUPS, *, quick: bool = False) -> list[Program]:
    """Returns the programs of some groups; with `quick`, one float32 program of each kind."""
    all_programs = [program for group in groups for program in MAKERS[group]()]
    if not quick:
        return all_programs
    small = [p for p in all_programs if p.precision == "float32" and "10,000" not in p.name]
    kinds = {(p.group, p.chips, p.collectives): p for p in small if "softmax" in p.name}
    return [*kinds.values()]


def title(group: Group, model: str, runs: int) -> str:
    """Returns the name of a program for a number of runs."""
    return f"{group}, {model}, {runs:,} run{'s' * (runs > 1)}"


def training_programs() -> Iterator[Program]:
    """Yields training programs; on four chips, the chips share runs or batches."""
    for model, precision, runs in product(MODELS, PRECISIONS, RUNS):
        name = title("training", model, runs)
        trace = partial(trace_training, model, runs, precision)
        steps = training_plan(model, runs, GPU).steps_at_once
        size = runs * int(np.prod(weights_shape(model)))
        single = Program(name, "training", precision, 1, trace, size, steps)
        yield single
        if runs > 1:
            yield single._replace(name=f"{name}, shared", chips=4, weights=size // 4)
        else:
            collectives = ("all-reduce",)
            yield single._replace(name=f"{name}, batches shared", chips=4, collectives=collectives)


def count_programs() -> Iterator[Program]:
    """Yields the programs that count training accuracy."""
    for model, precision, runs in product(MODELS, PRECISIONS, RUNS):
        name = title("count", model, runs)
        trace = partial(trace_count, model, runs, precision)
        yield Program(name, "count", precision, 1, trace)
        if runs > 1:
            yield Program(f"{name}, shared", "count", precision, 4, trace)


def function_programs(group: Group, functions: Functions) -> Iterator[Program]:
    """Yields the programs of functions of examples."""
    for (name, (function, model, arguments)), precision in product(functions.items(), PRECISIONS):
        trace = partial(trace_function, function, model, precision, arguments)
        single = Program(name, group, precision, 1, trace)
        yield single
        shared = f"{name}, examples shared"
        yield single._replace(name=shared, chips=4, collectives=("all-reduce",))


GRADIENTS: Functions = {
    "gradient, logistic": (gradients.logistic_gradient, "logistic", "wxy"),
    "gradient, softmax": (gradients.softmax_gradient, "softmax", "wxy"),
    **{
        f"gradient {kind}, {name}": (function, name, "wxyl")
        for name, model in MODELS.items()
        for kind, function in (
            ("with penalty", model.gradient),
            ("by autodiff", jax.grad(partial(objective, model))),
        )
    },
}
"""The gradients by hand and by autodiff."""

HESSIANS: Functions = {
    "Hessian product, logistic": (curvature.logistic_hessian_product, "logistic", "wxv"),
    "Hessian product, softmax": (curvature.softmax_hessian_product, "softmax", "wxv"),
    "Hessian product with penalty, softmax": (
        *(curvature.regularized_softmax_hessian_product, "softmax", "wxvl"),
    ),
}
"""The products with Hessians."""


def checker_programs() -> Iterator[Program]:
    """Yields the programs of the gradient checker: loss and autodiff's gradient; hand gradient."""
    for model, precision in product(MODELS, PRECISIONS):
        for index, name in enumerate(("loss and autodiff", "by hand")):
            trace = partial(trace_checker, model, precision, index)
            yield Program(f"checker, {name}, {model}", "checker", precision, 1, trace)


MAKERS: dict[Group, Callable[[], Iterator[Program]]] = {
    "training": training_programs,
    "count": count_programs,
    "gradients": partial(function_programs, "gradients", GRADIENTS),
    "curvature": partial(function_programs, "curvature", HESSIANS),
    "checker": checker_programs,
}
