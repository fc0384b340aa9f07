"""Loops: those until convergence may not end in float32, or at a drawn point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.gradcheck import check, check_rule
from mnist_jax.gradcheck.loops import bounded
from mnist_jax.gradcheck.programs import jaxpr_as_fun
from mnist_jax.precision import in_precision

TOLERANCE = 1e-14  # below the rounding error of float32, in which the iteration may cycle


def iterate(a, tolerance=TOLERANCE):
    def goes_on(pair):
        return jnp.abs(pair[0] - pair[1]) > tolerance

    return jax.lax.while_loop(goes_on, lambda pair: (jnp.cos(a * pair[0]), pair[0]), (a, 0 * a))[0]


def slope(a, x):
    """The derivative of the x with x = cos(a x)."""
    return -x * jnp.sin(a * x) / (1 + a * jnp.sin(a * x))


@jax.custom_vjp
def fixed_point(a):
    return iterate(a)


fixed_point.defvjp(lambda a: (iterate(a), a), lambda a, g: (g * slope(a, iterate(a)),))


@jax.custom_vjp
def wrong_rule(a):
    return iterate(a)


wrong_rule.defvjp(lambda a: (iterate(a), a), lambda a, g: (g * slope(-a, iterate(a)),))


def test_implicit_differentiation_of_a_fixed_point():
    assert check_rule(fixed_point, 0.8)
    report = check(
        lambda a: fixed_point(a) ** 2,
        lambda a: 2 * fixed_point(a) * slope(a, fixed_point(a)),
        0.8,
    )
    assert report.passes
    assert report.formula == "not told"  # what the tolerance leaves is no rounding error


def test_a_wrong_derivative_of_a_fixed_point():
    assert not check_rule(wrong_rule, 0.8)


def test_what_a_tolerance_leaves_is_said():
    def loss(a):
        return iterate(a, 1e-8)

    report = check(loss, lambda a: slope(a, iterate(a)), 0.8)
    assert not report
    assert "lower the tolerance" in report.diagnosis[0]


@pytest.mark.parametrize(("a", "ends"), [(0.8, True), (2.0, False)])
def test_a_loop_without_an_end_has_no_value_in_float64(a: float, ends: bool):
    with in_precision("float64"):
        closed = bounded(jax.make_jaxpr(jax.jit(iterate))(a))
        (value,) = jax.jit(jaxpr_as_fun(closed))(a)
        assert bool(jnp.isfinite(value)) == ends


def test_functions_without_such_loops_are_not_changed():
    closed = jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 3, lambda i, x: x * i, x))(2.0)
    assert bounded(closed) is closed


def test_a_while_loop_is_judged_by_its_values():
    def root(w):
        step = lambda s: (0.5 * (s[0] + w / s[0]), s[1] + 1)
        return jnp.sum(jax.lax.while_loop(lambda s: s[1] < 20, step, (w, 0))[0])

    report = check(root, lambda w: 0.5 / jnp.sqrt(w), np.array([1.0, 2.0]))
    assert report.passes
    assert "reverse mode" in " ".join(report.diagnosis)


def test_a_loss_with_a_loop_inside():
    def recurrent(w, inputs):
        def step(hidden, x):
            hidden = jnp.tanh(w * hidden + x)
            return hidden, hidden

        return jnp.sum(jax.lax.scan(step, jnp.zeros((), w.dtype), inputs)[1])

    assert check(recurrent, jax.grad(recurrent), jnp.array(0.5), np.linspace(0, 1, 9)).passes
