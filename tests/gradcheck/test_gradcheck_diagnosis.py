"""Whose fault it is: the compiler's, rounding's, the loss's, or the gradient's own."""

import json

import jax
import jax.numpy as jnp

from mnist_jax.gradcheck import check
from mnist_jax.gradcheck.programs import Program

# one point in one direction compiles fastest; for what a single comparison shows
QUICK = {"points": 1, "directions": 1, "precisions": ("float64",)}


def test_a_fault_of_the_compiler_is_told_from_a_wrong_gradient(monkeypatch):
    """As jax 0.10.2 on CPUs: compiled, some sums are wrong; operation by operation they are not."""
    sound = Program.run

    def faulty(self, constants, inputs):
        return jax.tree.map(lambda leaf: 1.001 * leaf, sound(self, constants, inputs))

    monkeypatch.setattr(Program, "run", faulty)
    report = check(lambda w: jnp.sum(w**2), lambda w: 2 * w, jnp.array([1.0, 2.0]))
    for precision in ("float32", "float64"):
        assert report.of("jit / eager", precision).passes is False
        assert report.of("reverse mode", precision).passes
    assert "fault of the compiler" in report.diagnosis[0]


def test_a_fault_of_batching_is_told_too():
    @jax.custom_batching.custom_vmap
    def double(w):
        return 2 * w

    @double.def_vmap
    def _(axis_size, in_batched, w):
        return 2.001 * w, in_batched[0]

    report = check(lambda w: jnp.sum(w**2), double, jnp.array([1.0, 2.0]))
    assert report.of("vmap / loop", "float64").passes is False
    assert report.of("jit / eager", "float64").passes
    assert "fault of the compiler" in report.diagnosis[0]


def test_a_gradient_that_is_not_the_same_twice():
    calls = iter(range(1_000))

    def gradient(w):
        return 2 * w + 1e-6 * next(calls)

    report = check(lambda w: jnp.sum(w**2), gradient, jnp.ones(2), **QUICK)
    assert report.of("the same call again", "float64").passes is False
    assert "not a pure function" in report.diagnosis[0]


def test_a_kink_is_named_at_the_point_where_it_is():
    report = check(lambda w: jnp.sum(jnp.abs(w)), jnp.sign, jnp.zeros(3))
    assert not report.passes
    assert "kink at the point given" in report.diagnosis[0]


def test_a_formula_that_overflows_in_float32_only():
    def gradient(w):
        return jnp.exp(w) / jnp.sum(jnp.exp(w))

    report = check(jax.nn.logsumexp, gradient, jnp.array([100.0, 1.0]), points=1)
    assert report.of("reverse mode", "float64").passes
    assert report.of("reverse mode", "float32").passes is False
    assert "right in float64 and wrong in float32" in report.diagnosis[0]


def test_a_loss_that_is_not_finite_is_blamed_and_not_its_gradient():
    def saturated(w):  # 0 * log 0, the trap that losses from logits avoid
        return jnp.sum(0 * jnp.log(jax.nn.sigmoid(w)))

    report = check(saturated, jnp.zeros_like, jnp.full(3, -1e4), **QUICK)
    assert not report.passes
    assert "the loss is nan at the point given" in report.diagnosis[0]
    assert "The loss can't be checked here" in str(report)
    assert json.loads(report.to_json())["passes"] is False


def test_a_gradient_that_rounding_hides_is_not_told():
    def loss(w):  # the phase is lost to rounding
        return jnp.sum(jnp.cos(1e17 * w))

    report = check(loss, lambda w: -1e17 * jnp.sin(1e17 * w), jnp.ones(2), **QUICK)
    assert report.of("reverse mode", "float64").passes is None
    assert "rounding hides the gradient at every point" in report.diagnosis[0]


def test_a_formula_that_loses_digits_does_not_widen_its_own_tolerance():
    def gradient(w):
        return (jnp.cos(w) + 1e6) - 1e6  # in float32, 1e8 would leave nothing

    report = check(lambda w: jnp.sum(jnp.sin(w)), gradient, jnp.ones(2), points=1)
    for precision in ("float32", "float64"):
        assert report.of("lost to rounding", precision).passes is False
    assert "look for a difference of large numbers" in report.diagnosis[0]
