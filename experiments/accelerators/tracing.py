"""The programs of the library, traced with abstract arguments."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.accelerators.compiling import AbstractPlacement
from mnist_jax.compat import ClosedJaxpr, jaxpr_as_fun
from mnist_jax.data import Examples, Split
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Compiler, Returns, make_programs
from mnist_jax.models import Model, logistic, objective, softmax
from mnist_jax.training import TrainingSettings, hyperparameters, train_periods
from mnist_jax.training.accuracy import count_tiles
from mnist_jax.training.plan import Plan, make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.step import init_states
from mnist_jax.training.tuning import Tuning, tuning

MODELS: dict[str, Model] = {"logistic": logistic, "softmax": softmax}
SIZES = {"logistic": (3623, 405), "softmax": (18_000, 2_000)}
"""Numbers of training and validation examples in the report."""
PIXELS, CLASSES, EPOCHS = 784, 10, 50
INPUTS = PIXELS + 1


def weights_shape(model: str) -> tuple[int, ...]:
    """Returns the shape of the weights of a model."""
    return (CLASSES, INPUTS) if model == "softmax" else (INPUTS,)


def targets_shape(model: str, size: int) -> tuple[int, ...]:
    """Returns the shape of the targets of a number of examples."""
    return (size, CLASSES) if model == "softmax" else (size,)


def training_settings(precision: str) -> TrainingSettings:
    """Returns the settings of the report's training."""
    return TrainingSettings(epochs=EPOCHS, precision=precision)  # type: ignore[arg-type]


def training_plan(model: str, runs: int, tuned: Tuning) -> Plan:
    """Returns the division of the training into programs."""
    schedule = training_settings("float32").schedule(SIZES[model][0])
    return make_plan(schedule, EPOCHS, runs, tuned)


def example_split(model: str) -> Split:
    """Returns a split of the report's sizes, with blank images."""
    blank = [
        Examples(np.zeros((size, PIXELS), np.uint8), np.zeros(size, np.int32))
        for size in SIZES[model]
    ]
    return Split(*blank)


def abstract_data(model: str, settings: TrainingSettings) -> Any:
    """Returns shapes and dtypes of the data on the device."""
    return jax.eval_shape(partial(device_data, MODELS[model], settings, example_split(model)))


def trace_training(model: str, runs: int, precision: str, placement: AbstractPlacement) -> Any:
    """Traces the training of runs that share their batches."""
    settings, tuned = training_settings(precision), tuning(placement.devices)
    plan = training_plan(model, runs, tuned)
    values = hyperparameters(0.01, np.linspace(0, 1, runs)).rounded(settings.precision)
    init = partial(init_states, MODELS[model], settings, num_inputs=INPUTS)
    rows = plan.periods_at_once, plan.period, 1, settings.batch_size
    number = placement.everywhere(jax.ShapeDtypeStruct((), np.int32))
    return train_periods.trace(
        MODELS[model],
        settings.compiled,
        placement.runs(jax.eval_shape(init, values)),
        placement.runs(values),
        placement.batches(jax.ShapeDtypeStruct(rows, np.int32)),  # type: ignore[arg-type]
        placement.everywhere(abstract_data(model, settings)),
        number,
        number,
        tuned=tuned,
    )


def trace_count(model: str, runs: int, precision: str, placement: AbstractPlacement) -> Any:
    """Traces the count of training examples that the weights of a program predict correctly."""
    tuned, settings = tuning(placement.devices), training_settings(precision)
    periods = training_plan(model, runs, tuned).periods_at_once
    data = placement.everywhere(abstract_data(model, settings))
    weights = jax.ShapeDtypeStruct((periods, 1, runs, *weights_shape(model)), precision)
    weights = placement.split(weights, axis=2) if runs > 1 else placement.everywhere(weights)
    tile = tuned.rows(runs * periods)
    return count_tiles.trace(MODELS[model], weights, data.images, data.labels, tile=tile)


def trace_function(
    function: Callable[..., Any],
    model: str,
    precision: str,
    arguments: str,
    placement: AbstractPlacement,
) -> Any:
    """Traces a function of weights and all training examples, which the chips share."""
    size = SIZES[model][0] // 4 * 4
    weights = placement.everywhere(jax.ShapeDtypeStruct(weights_shape(model), precision))
    named = {
        "w": weights,
        "v": weights,
        "x": placement.split(jax.ShapeDtypeStruct((size, INPUTS), precision)),
        "y": placement.split(jax.ShapeDtypeStruct(targets_shape(model, size), precision)),
        "l": placement.everywhere(jax.ShapeDtypeStruct((), precision)),
    }
    return jax.jit(function).trace(*(named[name] for name in arguments))


class Recorder(Compiler):
    """A compiler for the gradient checker that records programs instead of compiling them."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[ClosedJaxpr, list[Any]]] = []

    def submit(self, closed: ClosedJaxpr, inputs: list[Any]) -> Future[Any]:
        """Records a program; returns a future that is never done."""
        self.submitted.append((closed, inputs))
        return Future()


def trace_checker(model: str, precision: str, index: int, placement: AbstractPlacement) -> Any:
    """Traces a program of the gradient checker for a batch of the report's problem."""
    size = 128
    shapes = weights_shape(model), (size, INPUTS), targets_shape(model, size), ()
    arguments = tuple(jnp.zeros(shape, precision) for shape in shapes)
    loss, gradient = partial(objective, MODELS[model]), MODELS[model].gradient
    recorder = Recorder()
    make_programs(Problem(loss, gradient, 0, arguments), precision, Returns(), recorder)
    closed, inputs = recorder.submitted[index]

    def program(constants: list[Any], values: list[Any]) -> list[Any]:
        return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, constants))(*values)

    abstract = placement.everywhere((list(map(jnp.asarray, closed.consts)), inputs))
    return jax.jit(program).trace(*abstract)
