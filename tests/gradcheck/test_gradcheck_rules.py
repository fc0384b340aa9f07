"""Custom derivative rules are checked against autodiff of what they replace."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check, check_rule


@jax.custom_jvp
def log1pexp(x):
    return jnp.log1p(jnp.exp(x))


log1pexp.defjvps(lambda tangent, value, x: tangent * jax.nn.sigmoid(x))


@jax.custom_vjp
def wrong_sign(x):
    return jnp.log1p(jnp.exp(x))


wrong_sign.defvjp(lambda x: (wrong_sign(x), x), lambda x, g: (-g * jax.nn.sigmoid(x),))


@jax.custom_vjp
def no_cotangent(x):
    return x**2


no_cotangent.defvjp(lambda x: (x**2, x), lambda x, g: (2 * x,))


@jax.custom_vjp
def other_value(x):
    return x**2


other_value.defvjp(lambda x: (x**3, x), lambda x, g: (2 * x * g,))


def test_a_right_rule_passes():
    assert check_rule(log1pexp, np.linspace(-3, 3, 5)).passes
    assert check_rule(jax.jit(lambda x: 2 * log1pexp(x)), np.linspace(-3, 3, 5)).passes


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (wrong_sign, "-1 times autodiff's"),
        (no_cotangent, "the rule does not use its cotangent"),
        (other_value, "the value that the gradient returns is not the loss's"),
    ],
)
def test_a_wrong_rule_is_named(function, words):
    assert words in " ".join(check_rule(function, np.linspace(-2, 2, 6)).diagnosis)


def test_a_function_without_a_rule_is_refused():
    with pytest.raises(UsageError, match="sum has no rule"):
        check_rule(jnp.sum, np.ones(3))


def test_a_wrong_derivative_rule_is_told_from_a_wrong_gradient():
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (sine(*primals), 2 * jnp.cos(*primals) * tangents[0]))
    report = check(lambda w: jnp.sum(sine(w)), jnp.cos, jnp.ones(3))
    assert report.passes
    assert (report.formula, report.proof.autodiff) == ("equal", "wrong")
    in_reverse = report.of("reverse mode", "float64")
    assert (in_reverse.passes, in_reverse.comparison) == (None, None)
    assert "agree with the hand-written gradient and not with autodiff" in report.diagnosis[0]
    followed = check(lambda w: jnp.sum(sine(w)), lambda w: 2 * jnp.cos(w), jnp.ones(3))
    assert not followed.passes
    assert followed.formula == "different"
    assert "not with the values of the loss" in followed.diagnosis[0]
