"""The first wrong line of a derivation: the report's own, a student's, and random ones."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import derivations
from experiments.controls.chains import MISTAKES, check_chain, draw_chain
from mnist_jax.derivation import EQUATIONS, check_steps, random_problems
from mnist_jax.derivation.__main__ import main
from mnist_jax.derivation.problem import Problem
from mnist_jax.derivation.softmax import loss_by_logits, softmax_by_logits
from mnist_jax.errors import UsageError

by_number = {equation.number: equation for equation in EQUATIONS["1b"]}
W = np.array([0.3, -0.7, 1.1])


def line(number, *, corrected=False):
    """The right side of one of the report's lines, as a function of arrays."""
    equation = by_number[number]
    chosen = equation.corrected if corrected else equation.printed
    assert chosen is not None

    def right(w, x, y, l2):
        with jax.numpy_rank_promotion("allow"):
            expressions = chosen.right(Problem(w, x, y, l2))
        return jax.tree.leaves(expressions)[-1]

    return right


def of_problem(left):
    return lambda w, x, y, l2: left(Problem(w, x, y, l2))


def places():
    problem = jax.tree.map(lambda a: np.asarray(a)[-1], random_problems("1b", 8))
    return tuple(problem)


def test_the_slips_of_the_report_are_the_first_wrong_lines():
    jacobian = [line(number) for number in ("5", "6", "7", "8")]
    steps = check_steps(of_problem(softmax_by_logits), *jacobian, arguments=places())
    assert (steps.first_wrong, steps.last_is_right) == (3, False)
    mended = [*jacobian[:3], line("8", corrected=True), line("9", corrected=True)]
    steps = check_steps(of_problem(softmax_by_logits), *mended, arguments=places())
    assert (steps.first_wrong, steps.last_is_right) == (None, True)
    numbers = ("10", "11", "12", "13", "14", "15", "16", "18", "19")
    whole = [line(number) for number in numbers]
    steps = check_steps(of_problem(loss_by_logits), *whole, arguments=places())
    assert (steps.first_wrong, steps.last_is_right) == (1, True)
    told = [f.verdict for f in steps.formulas]
    assert [n for n, v in zip(numbers, told, strict=True) if v == "different"] == ["11", "12", "13"]


STUDENT = (
    jax.grad(lambda w: jnp.sum(jnp.tanh(w) ** 2)),
    lambda w: 2 * jnp.tanh(w) * (1 - jnp.tanh(w) ** 2),
    lambda w: 2 * jnp.tanh(w) / jnp.cosh(w[::-1]) ** 2,  # an index
    lambda w: 2 * jnp.sinh(w) / jnp.cosh(w) ** 3,
)


def test_a_mistake_that_is_mended_later():
    steps = check_steps(*STUDENT, arguments=[W])
    assert (steps.first_wrong, steps.last_is_right) == (1, True)
    assert str(steps).endswith("the first wrong line is 1; the last line is right")
    assert "line 1: wrong at [" in str(steps)


def test_lines_in_numpy_and_pytrees():
    steps = check_steps(
        jax.grad(lambda p: jnp.sum(jnp.exp(p["a"]) * p["b"])),
        lambda p: {"a": np.exp(np.asarray(p["a"])) * p["b"], "b": np.exp(np.asarray(p["a"]))},
        arguments=[{"a": W, "b": 2 * W}],
    )
    assert (steps.first_wrong, steps.last_is_right) == (None, True)


def test_what_can_not_be_told_is_not():
    eigenvalues = lambda w: jnp.linalg.eigvalsh(jnp.outer(w, w) + jnp.diag(w))
    steps = check_steps(eigenvalues, eigenvalues, arguments=[W])
    assert (steps.first_wrong, steps.last_is_right) == (None, None)
    assert "not told (eigh has no ball arithmetic)" in str(steps)


def test_mistakes_of_use():
    with pytest.raises(UsageError, match="there are no lines"):
        check_steps(jnp.sin, arguments=[W])
    with pytest.raises(UsageError, match="line 1 raises ZeroDivisionError"):
        check_steps(jnp.sin, jnp.sin, lambda w: 1 / 0, arguments=[W])


@pytest.mark.parametrize("wrong", [True, False])
def test_random_mistakes_are_located(wrong):
    rng = np.random.default_rng(7)
    for _ in range(12):
        chain = draw_chain(rng, wrong=wrong)
        steps = check_chain(chain)
        assert steps.first_wrong == chain.wrong, chain.name
    assert set(MISTAKES) >= {"sign", "index", "the sum for the mean"}


MODULE = """
import jax, jax.numpy as jnp
LINES = [jax.grad(lambda w: jnp.sum(w**3)), lambda w: 3 * w**2, lambda w: {last}]
"""


@pytest.mark.parametrize(("last", "code"), [("w**2 * 3", 0), ("3 * w", 1)])
def test_the_command(tmp_path, monkeypatch, capsys, last, code):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"lines_{code}"
    (tmp_path / f"{name}.py").write_text(MODULE.format(last=last), encoding="utf-8")
    np.savez(tmp_path / "arguments.npz", w=W)
    assert main([name, str(tmp_path / "arguments.npz")]) == code
    expected = "no line is wrong" if code == 0 else "the first wrong line is 1"
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "said"),
    [("no_such_module", "can't be imported"), ("json", "json has no LINES")],
)
def test_wrong_use_of_the_command(tmp_path, capsys, module, said):
    np.savez(tmp_path / "arguments.npz", W)
    assert main([module, str(tmp_path / "arguments.npz")]) == 2
    assert said in capsys.readouterr().err
    assert "json" in sys.modules


def test_the_experiment_counts_what_is_located(tmp_path, capsys):
    flags = ["--count", "3", "--output-dir", str(tmp_path), "--quiet"]
    assert derivations.run(flags) == 0
    numbers = json.loads((tmp_path / "chains.json").read_text())
    assert (numbers["count"], numbers["located"], numbers["alarms"]) == (3, 3, 0)
    assert sum(kind["drawn"] for kind in numbers["kinds"].values()) == 3
    assert "3 of 3 mistakes located" in capsys.readouterr().out
    with pytest.raises(UsageError, match="count is 0"):
        derivations.run(["--count", "0"])
