"""The ledger of the report's equations: what is known of them is found by evaluating them."""

import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax import curvature, gradients
from mnist_jax.derivation import (
    BOUND,
    EQUATIONS,
    Equation,
    Judgement,
    Line,
    Problem,
    Task,
    judge,
    judge_all,
    ledger,
    random_problems,
)
from mnist_jax.derivation.problem import LARGEST_LOGIT

SLIPS = {"1a.7", "1b (statement)", "8", "9", "11", "12", "18 (reason)"}
EMPTY = {"17", "20"}

every_task = pytest.mark.parametrize("task", ["1a", "1b", "4a"])
by_number = {equation.number: equation for task in EQUATIONS.values() for equation in task}


@pytest.fixture(scope="module")
def judgements() -> dict[str, Judgement]:
    return {judgement.equation.number: judgement for judgement in ledger()}


def test_every_number_of_the_report_is_there_in_its_order():
    numbers = list(by_number)
    assert len(numbers) == sum(map(len, EQUATIONS.values()))
    assert [number for number in numbers if number.startswith("1a.")] == [
        f"1a.{n}" for n in range(1, 26)
    ]
    assert [number for number in numbers if number.isdigit()] == [str(n) for n in range(1, 28)]
    assert all(equation.task == task for task, of in EQUATIONS.items() for equation in of)


def test_the_verdicts(judgements: dict[str, Judgement]):
    expected = {number: "slip" if number in SLIPS else "holds" for number in by_number}
    expected |= dict.fromkeys(EMPTY, "empty")
    assert {number: judged.verdict for number, judged in judgements.items()} == expected


@pytest.mark.parametrize("number", sorted(SLIPS))
def test_a_slip_is_far_off_and_its_correction_is_not(number: str, judgements: dict[str, Judgement]):
    judged = judgements[number]
    assert judged.deviation is not None
    assert judged.corrected_deviation is not None
    assert judged.corrected_deviation <= BOUND < 0.1 < judged.deviation


@every_task
@pytest.mark.parametrize("sizes", [{"num_inputs": 2, "num_classes": 2}, {"num_classes": 10}])
def test_the_verdicts_are_the_same_on_other_problems(
    task: Task, sizes: dict, judgements: dict[str, Judgement]
):
    problems = random_problems(task, 32, seed=1, num_examples=3, **sizes)
    for judged in judge_all(EQUATIONS[task], problems):
        assert judged.verdict == judgements[judged.equation.number].verdict


def changed(equation: Equation, change: Callable[[jax.Array], jax.Array]) -> Equation:
    """The equation with the last expression of its right side changed."""
    assert equation.printed is not None
    right = equation.printed.right

    def wrong(problem: Problem) -> tuple[jax.Array, ...]:
        *others, last = jax.tree.leaves(right(problem))
        return (*others, change(last))

    return equation._replace(printed=equation.printed._replace(right=wrong))


@every_task
@pytest.mark.parametrize(
    "change",
    [
        lambda side: side * (1 + 1e-9),
        lambda side: -side,
        lambda side: jnp.full_like(side, jnp.nan),
        lambda side: jnp.full_like(side, jnp.inf),
    ],
)
def test_a_right_line_that_is_broken_holds_no_longer(task: Task, change: Callable):
    right = [line for line in EQUATIONS[task] if line.number not in SLIPS | EMPTY]
    broken = [changed(equation, change) for equation in right]
    for judged in judge_all(broken, random_problems(task, 16)):
        assert judged.verdict == "fails", judged.equation.number


def turned(task: Task, change: Callable, judgements: dict[str, Judgement]) -> set[str]:
    """The equations whose verdict is another when the labels are changed."""
    problems = random_problems(task)
    with jax.enable_x64(True):
        problems = problems._replace(targets=change(problems.targets))
    judged = judge_all(EQUATIONS[task], problems)
    return {
        of.equation.number for of in judged if of.verdict != judgements[of.equation.number].verdict
    }


def test_that_labels_sum_to_one_is_first_needed_after_18(judgements: dict[str, Judgement]):
    changed = turned("1b", lambda targets: 2 * targets, judgements)
    assert changed == {"1b (statement)", "18 (reason)", "19", "22", "23"}


def test_no_line_of_1a_needs_labels_to_be_0_or_1(judgements: dict[str, Judgement]):
    assert not turned("1a", lambda targets: 0.2 + 0.5 * targets, judgements)


def sample(left: float, right: float, corrected: float | None = None) -> Equation:
    def line(right: float) -> Line:
        return Line("", lambda p: left * jnp.ones_like(p.l2), lambda p: right * jnp.ones_like(p.l2))

    correction = None if corrected is None else line(corrected)
    return Equation("0", "1a", "an example", line(right), correction)


@pytest.mark.parametrize(
    ("equation", "verdict", "deviation"),
    [
        (sample(2, 2), "holds", 0),
        (sample(0, 0), "holds", 0),
        (sample(2, 1), "fails", 0.5),
        (sample(0, 1e-300), "fails", 1),
        (sample(1, -1), "fails", 2),
        (sample(2, 1, corrected=2), "slip", 0.5),
        (sample(2, 1, corrected=1), "fails", 0.5),
        (sample(2, 1, corrected=np.nan), "fails", 0.5),
        (sample(2, 2, corrected=1), "holds", 0),
    ],
)
def test_verdicts_follow_from_the_deviations(equation: Equation, verdict: str, deviation: float):
    judged = judge(equation)
    assert judged[1:3] == (verdict, deviation)


def test_nothing_printed_is_neither_right_nor_wrong():
    assert judge(Equation("0", "1a", "nothing", None)).verdict == "empty"


def test_equation_9_corrected_is_the_jacobian_of_the_softmax():
    assert by_number["9"].corrected is not None
    expressions = by_number["9"].corrected.right
    with jax.enable_x64(True):
        problems = random_problems("1b")
        by_hand = curvature.softmax_jacobian(jax.vmap(lambda p: p.logits)(problems))
        for expression in jax.vmap(expressions)(problems):
            np.testing.assert_allclose(expression, by_hand, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("number", "gradient"),
    [
        ("1a.25", lambda w, x, y, l2: gradients.logistic_gradient(w, x[None], y[None])),
        ("23", lambda w, x, y, l2: gradients.softmax_gradient(w, x[None], y[None])),
        ("27", gradients.regularized_softmax_gradient),
    ],
)
def test_the_last_lines_are_the_gradients_of_the_library(number: str, gradient: Callable):
    last = by_number[number]
    assert last.printed is not None
    with jax.enable_x64(True):
        problems = random_problems(last.task)
        derived, expected = jax.vmap(last.printed.right)(problems), jax.vmap(gradient)(*problems)
        np.testing.assert_allclose(derived, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("number", sorted(set(by_number) - EMPTY - {"1b (statement)"}))
def test_both_sides_have_the_same_shape(number: str):
    equation = by_number[number]
    with jax.enable_x64(True):
        problem = jax.tree.map(lambda array: array[0], random_problems(equation.task))
        for line in filter(None, (equation.printed, equation.corrected)):
            left, right = (jax.eval_shape(side, problem) for side in line[1:])
            assert {side.shape for side in jax.tree.leaves(right)} == {left.shape}


@every_task
def test_the_logits_are_no_larger_than_the_bound_is_for(task: Task):
    problems = random_problems(task, 200, num_inputs=1, num_classes=10)
    with jax.enable_x64(True):
        largest = float(jnp.max(jnp.abs(jax.vmap(lambda p: p.logits)(problems))))
    assert 0.5 * LARGEST_LOGIT < largest <= LARGEST_LOGIT


@pytest.mark.parametrize("number", sorted(set(by_number) - EMPTY))
def test_latex_survives_markdown(number: str):
    for line in filter(None, (by_number[number].printed, by_number[number].corrected)):
        assert not re.search(r"\\[^a-zA-Z]", line.latex)  # \\ and \{ are its own escapes
        assert "}_" not in line.latex  # which may begin an emphasis
        assert line.latex.count("{") == line.latex.count("}")
        assert line.latex.count("(") == line.latex.count(")")
