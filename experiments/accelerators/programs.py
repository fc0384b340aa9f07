"""The programs of the library, with arguments that are only described."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np

from experiments.accelerators.compiling import Described
from experiments.accelerators.recording import Recording, program_of
from mnist_jax import curvature, gradients
from mnist_jax.data import Examples, Split
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Returns, make_programs
from mnist_jax.models import Model, logistic, objective, softmax
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingSettings, hyperparameters, train_periods
from mnist_jax.training.accuracy import count_tiles
from mnist_jax.training.loop import init_states
from mnist_jax.training.plan import Plan, make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.tuning import GPU, Tuning, tuning

Group = Literal["training", "count", "gradients", "curvature", "checker"]
GROUPS: tuple[Group, ...] = get_args(Group)
MODELS: dict[str, Model] = {"logistic": logistic, "softmax": softmax}
SIZES = {"logistic": (3623, 405), "softmax": (18_000, 2_000)}
"""Training and validation examples of the report."""
RUNS = (1, 64, 1000, 10_000)
PIXELS, CLASSES, EPOCHS = 784, 10, 50
INPUTS = PIXELS + 1


class Program(NamedTuple):
    """A program that is compiled.

    Attributes:
        name: What it is called, with its model.
        group: What it belongs to.
        precision: Its dtype.
        chips: How many share it.
        trace: From the placement of its arguments to the traced program.
        weights: Numbers of all weights on one chip, to find them in the kernels; 0 for none.
        steps: Training steps of one run of the program; 0 if it does not train.
        talks: What chips may tell each other.
    """

    name: str
    group: Group
    precision: str
    chips: int
    trace: Callable[[Described], Any]
    weights: int = 0
    steps: int = 0
    talks: tuple[str, ...] = ()

    def traced(self, devices: tuple[Any, ...]) -> Any:
        """The program, traced for arguments on these devices."""
        shared = "batches" if self.talks else "runs"
        with in_precision(self.precision):
            return self.trace(Described(devices, shared))


def programs(groups: tuple[Group, ...] = GROUPS, *, quick: bool = False) -> list[Program]:
    """The programs of some groups.

    Args:
        groups: The groups.
        quick: Whether one of each kind is enough: 1,000 runs of softmax regression in float32.
    """
    made = [each for group in groups for each in MAKERS[group]()]
    if quick:
        kept = {}
        for each in made:
            if each.precision == "float32" and "softmax" in each.name and "10,000" not in each.name:
                kept[each.group, each.chips, each.talks] = each
        made = list(kept.values())
    return made


def title(group: Group, model: str, runs: int) -> str:
    """The name of a program of so many runs."""
    return f"{group}, {model}, {runs:,} run{'s' * (runs > 1)}"


def training_settings(precision: str) -> TrainingSettings:
    """The settings of the report's training."""
    return TrainingSettings(epochs=EPOCHS, precision=precision)  # type: ignore[arg-type]


def plan_of(model: str, runs: int, tuned: Tuning) -> Plan:
    """How the training is cut into programs."""
    schedule = training_settings("float32").schedule(SIZES[model][0])
    return make_plan(schedule, EPOCHS, runs, tuned)


def trace_training(model: str, runs: int, precision: str, placement: Described) -> Any:
    """The training of runs that share their batches."""
    settings, tuned = training_settings(precision), tuning(placement.devices)
    plan = plan_of(model, runs, tuned)
    values = hyperparameters(0.01, np.linspace(0, 1, runs)).rounded(settings.precision)
    init = partial(init_states, MODELS[model], settings, num_inputs=INPUTS)
    states = jax.eval_shape(init, values)
    rows = plan.periods_at_once, plan.period, 1, settings.batch_size
    number = placement.everywhere(jax.ShapeDtypeStruct((), np.int32))
    return train_periods.trace(
        MODELS[model],
        settings.compiled,
        placement.runs(states),
        placement.runs(values),
        placement.batches(jax.ShapeDtypeStruct(rows, np.int32)),  # type: ignore[arg-type]
        placement.everywhere(data_of(model, settings)),
        number,
        number,
        tuned=tuned,
    )


def data_of(model: str, settings: TrainingSettings) -> Any:
    """The data on the device, described."""
    examples = [
        Examples(np.zeros((size, PIXELS), np.uint8), np.zeros(size, np.int32))
        for size in SIZES[model]
    ]
    return jax.eval_shape(partial(device_data, MODELS[model], settings, Split(*examples)))


def trace_count(model: str, runs: int, precision: str, placement: Described) -> Any:
    """The count of what the weights of a training program predict correctly."""
    tuned, settings = tuning(placement.devices), training_settings(precision)
    periods = plan_of(model, runs, tuned).periods_at_once
    data = placement.everywhere(data_of(model, settings))
    weights = jax.ShapeDtypeStruct((periods, 1, runs, *_shape(model)), precision)
    placed = placement.split(weights, axis=2) if runs > 1 else placement.everywhere(weights)
    tile = tuned.rows(runs * periods)
    return count_tiles.trace(MODELS[model], placed, data.images, data.labels, tile=tile)


def training_programs() -> Iterator[Program]:
    """Training: each model, precision and number of runs; on four chips, runs or batches shared."""
    for model, precision, runs in product(MODELS, ("float32", "float64"), RUNS):
        name = title("training", model, runs)
        make = partial(trace_training, model, runs, precision)
        steps = plan_of(model, runs, GPU).steps_at_once
        size = runs * int(np.prod(_shape(model)))
        one = Program(name, "training", precision, 1, make, size, steps)
        yield one
        if runs > 1:
            yield one._replace(name=f"{name}, shared", chips=4, weights=size // 4)
        else:
            yield one._replace(name=f"{name}, batches shared", chips=4, talks=("all-reduce",))


def count_programs() -> Iterator[Program]:
    """The count of training accuracy."""
    for model, precision, runs in product(MODELS, ("float32", "float64"), RUNS):
        name = title("count", model, runs)
        make = partial(trace_count, model, runs, precision)
        yield Program(name, "count", precision, 1, make)
        if runs > 1:
            yield Program(f"{name}, shared", "count", precision, 4, make)


def of_examples(
    function: Callable[..., Any], model: str, precision: str, arguments: str, placement: Described
) -> Any:
    """A function of weights and examples: all training examples, shared by the chips."""
    size = SIZES[model][0] // 4 * 4
    weights = placement.everywhere(jax.ShapeDtypeStruct(_shape(model), precision))
    targets = (size, CLASSES) if model == "softmax" else (size,)
    given = {
        "w": weights,
        "v": weights,
        "x": placement.split(jax.ShapeDtypeStruct((size, INPUTS), precision)),
        "y": placement.split(jax.ShapeDtypeStruct(targets, precision)),
        "l": placement.everywhere(jax.ShapeDtypeStruct((), precision)),
    }
    return jax.jit(function).trace(*(given[name] for name in arguments))


def functions(group: Group, made: dict[str, tuple[Any, str, str]]) -> Iterator[Program]:
    """Functions of examples: name to function, model and arguments."""
    for (name, (function, model, arguments)), precision, chips in product(
        made.items(), ("float32", "float64"), (1, 4)
    ):
        make = partial(of_examples, function, model, precision, arguments)
        talks = ("all-reduce",) if chips > 1 else ()
        title = f"{name}, examples shared" if chips > 1 else name
        yield Program(title, group, precision, chips, make, talks=talks)


def gradient_programs() -> Iterator[Program]:
    """The gradients by hand and by autodiff."""
    made: dict[str, tuple[Any, str, str]] = {
        "gradient, logistic": (gradients.logistic_gradient, "logistic", "wxy"),
        "gradient, softmax": (gradients.softmax_gradient, "softmax", "wxy"),
    }
    for name, model in MODELS.items():
        automatic = jax.grad(partial(objective, model))
        made[f"gradient with penalty, {name}"] = model.gradient, name, "wxyl"
        made[f"gradient by autodiff, {name}"] = automatic, name, "wxyl"
    yield from functions("gradients", made)


def curvature_programs() -> Iterator[Program]:
    """The products with Hessians."""
    made = {
        "Hessian product, logistic": (curvature.logistic_hessian_product, "logistic", "wxv"),
        "Hessian product, softmax": (curvature.softmax_hessian_product, "softmax", "wxv"),
        "Hessian product with penalty, softmax": (
            *(curvature.regularized_softmax_hessian_product, "softmax", "wxvl"),
        ),
    }
    yield from functions("curvature", made)


def trace_checker(model: str, precision: str, which: int, placement: Described) -> Any:
    """A program of the gradient checker for a batch of the report's problem."""
    size = 128
    targets = (size, CLASSES) if model == "softmax" else (size,)
    shapes = _shape(model), (size, INPUTS), targets, ()
    arguments = tuple(jnp.zeros(shape, precision) for shape in shapes)
    loss, gradient = partial(objective, MODELS[model]), MODELS[model].gradient
    recording = Recording()
    make_programs(Problem(loss, gradient, 0, arguments), precision, Returns(), recording)
    closed, inputs = recording.submitted[which]

    described = placement.everywhere((list(map(jnp.asarray, closed.consts)), inputs))
    return jax.jit(program_of(closed)).trace(*described)


def checker_programs() -> Iterator[Program]:
    """What the gradient checker compiles: loss and autodiff's gradient; gradient by hand."""
    for model, precision in product(MODELS, ("float32", "float64")):
        for which, name in enumerate(("loss and autodiff", "by hand")):
            make = partial(trace_checker, model, precision, which)
            yield Program(f"checker, {name}, {model}", "checker", precision, 1, make)


def _shape(model: str) -> tuple[int, ...]:
    return (CLASSES, INPUTS) if model == "softmax" else (INPUTS,)


MAKERS: dict[Group, Callable[[], Iterator[Program]]] = {
    "training": training_programs,
    "count": count_programs,
    "gradients": gradient_programs,
    "curvature": curvature_programs,
    "checker": checker_programs,
}
