"""The gradient checker on a small network: each check, the report, and where a mistake is."""

import contextlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.gradcheck import Checker, Comparison, GradientError, Report, check
from mnist_jax.gradcheck.tuning import LARGE

OF_THE_GRADIENT_ALONE = {
    "lost to rounding",
    "jit / eager",
    "vmap / loop",
    "the same call again",
}
# one point in one direction compiles fastest; for what a single comparison shows
QUICK = {"points": 1, "directions": 1, "precisions": ("float64",)}


def compared(report: Report, check: str, precision: str) -> Comparison:
    comparison = report.of(check, precision).comparison
    assert comparison
    return comparison


def network_loss(params, inputs, targets):
    hidden = jnp.tanh(inputs @ params["w1"] + params["b1"][None])
    return jnp.mean((hidden @ params["w2"] + params["b2"] - targets) ** 2)


def network_gradient(params, inputs, targets):
    hidden = jnp.tanh(inputs @ params["w1"] + params["b1"][None])
    residual = 2 * (hidden @ params["w2"] + params["b2"] - targets) / len(targets)
    below = residual[:, None] * params["w2"][None] * (1 - hidden**2)
    return {
        "w1": inputs.T @ below,
        "b1": jnp.sum(below, axis=0),
        "w2": hidden.T @ residual,
        "b2": jnp.sum(residual),
    }


@pytest.fixture(scope="module")
def arguments():
    rng = np.random.default_rng(0)
    params = {
        "w1": rng.normal(size=(3, 3)),
        "b1": np.zeros(3),
        "w2": rng.normal(size=3),
        "b2": 0.5,
    }
    return params, rng.normal(size=(20, 3)), rng.normal(size=20)


@pytest.fixture(scope="module")
def report(arguments):
    return check(network_loss, network_gradient, *arguments)


def test_the_right_gradient_of_a_network_passes_every_check(report):
    assert report.passes
    assert not report.diagnosis
    assert [(finding.check, finding.precision, finding.passes) for finding in report.findings] == [
        ("reverse mode", "float32", True),
        ("lost to rounding", "float32", True),
        ("float64", "float32", True),
        ("jit / eager", "float32", True),
        ("the same call again", "float32", True),
        ("reverse mode", "float64", True),
        ("lost to rounding", "float64", True),
        ("forward mode", "float64", True),
        ("central differences", "float64", True),
        ("Taylor remainder", "float64", True),
        ("jit / eager", "float64", True),
        ("vmap / loop", "float64", True),
        ("the same call again", "float64", True),
    ]
    report.raise_if_wrong()


def test_the_report_says_where_it_was_made(report):
    assert report.environment["jax"] == jax.__version__
    assert report.environment["matmul precision"] == "highest"
    assert jax.devices()[0].device_kind in report.environment["device"]
    assert jax.__version__ in report.details()


def test_the_report_is_text_in_a_notebook_too(report, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert "reverse mode" in report.details()
    assert "agrees with autodiff" in str(report)


def test_the_report_is_json(report):
    found = json.loads(report.to_json())
    assert found["passes"] is True
    assert found["findings"][0]["comparison"]["size"] == 16


def test_what_is_checked_is_tight(report):
    reverse = compared(report, "reverse mode", "float64")
    assert reverse.resolution < 1e-12
    assert compared(report, "reverse mode", "float32").resolution < 1e-4
    assert compared(report, "central differences", "float64").resolution < 1e-6


def test_a_report_is_true_if_the_gradient_passes(report):
    assert report
    assert not check(jnp.sum, jnp.zeros_like, jnp.ones(3), **QUICK)
    assert repr(report) == "<Report: This gradient is right.>"
    assert report._repr_html_().startswith("<p><b>This gradient is right.</b></p>")


def test_a_finding_that_there_is_none_of(report):
    with pytest.raises(KeyError):
        report.of("central differences", "float32")


def test_a_wrong_gradient_is_caught_named_and_located(arguments):
    def gradient(*arguments):
        right = network_gradient(*arguments)
        return right | {"w1": right["w1"].at[1, 2].mul(1.01)}

    report = check(network_loss, gradient, *arguments)
    for finding in report.findings:
        assert finding.passes is (finding.check in OF_THE_GRADIENT_ALONE), finding
    comparison = compared(report, "reverse mode", "float64")
    assert comparison.where == "['w1'][1, 2]"
    assert comparison.value == pytest.approx(1.01 * comparison.reference)
    assert (comparison.differing, comparison.size) == (1, 16)
    assert report.diagnosis == ("params['w1'][1, 2]: the gradient is 1.01 times autodiff's",)
    with pytest.raises(GradientError, match="This gradient is wrong: 6 of 13 checks fail"):
        report.raise_if_wrong()


def test_a_gradient_in_numpy_is_checked_as_it_is(arguments):
    def gradient(params, inputs, targets):
        params = {name: np.asarray(value) for name, value in params.items()}
        return jax.tree.map(
            np.asarray, network_gradient(params, np.asarray(inputs), np.asarray(targets))
        )

    report = check(network_loss, gradient, *arguments)
    assert report.passes
    with pytest.raises(KeyError):
        report.of("vmap / loop", "float64")
    assert report.of("reverse mode", "float64").passes


def test_the_tolerance_does_not_grow_with_the_number_of_weights():
    def resolution(size):
        rng = np.random.default_rng(size)
        weights, inputs = rng.normal(size=size), rng.normal(size=(30, size)) / np.sqrt(size)
        report = check(
            lambda w, x: jnp.sum(jnp.logaddexp(0, x @ w)),
            lambda w, x: jax.nn.sigmoid(x @ w) @ x,
            *(weights, inputs),
            points=1,
        )
        assert report.passes
        return compared(report, "reverse mode", "float32").tolerance

    assert resolution(5_000) < resolution(50)


def test_another_argument_than_the_first():
    def loss(x, w):
        return jnp.sum(jnp.exp(x * w))

    assert check(loss, lambda x, w: x * jnp.exp(x * w), 2.0, jnp.ones(2), argnum=1, **QUICK).passes
    assert not check(loss, lambda x, w: w * jnp.exp(x * w), 2.0, 1.0, argnum=1, **QUICK).passes


@pytest.mark.parametrize("size", [2, LARGE])
def test_a_checker_compiles_once(size):
    checker = Checker(lambda w: jnp.sum(w**2), lambda w: 2 * w, **QUICK)
    here, there = jnp.ones(size), jnp.arange(float(size))
    with jax_log_compiles() as compiled:
        assert checker(here).passes
        first = len(compiled)
        assert checker(there).passes
    assert first
    assert len(compiled) == first


@contextlib.contextmanager
def jax_log_compiles():
    """The names of what is compiled meanwhile."""
    compiled = []

    def note(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(note)
    yield compiled
