"""What the checker is made of: differences, comparison."""

import pathlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnist_jax.gradcheck import check, tuning
from mnist_jax.gradcheck.comparison import compare, cosine, flatten
from mnist_jax.gradcheck.differences import (
    STEPS,
    Line,
    central_differences,
    one_sided,
    richardson,
    taylor_order,
)
from mnist_jax.gradcheck.noise import pooled, standard_deviation
from mnist_jax.gradcheck.tuning import LARGE, RATIO

# costs of operations, sizes of buffers, grids, widths and exit codes
NO_TUNING = {
    *("PER_OPERATION, PER_NUMBER, PER_PRODUCT", "PER_NUMBER, PER_PRODUCT", "LOOPS"),
    *(
        "TABLE, CHUNK",
        "CHUNK",
        "SCALES",
        "DEPTH",
        "WIDTH",
        "FEW",
        "SMALL",
        "PASSES, FAILS, WRONG_USE",
    ),
}


@given(
    arrays(np.float64, (8, 3), elements=st.integers(-1000, 1000).map(float)),
    st.sampled_from([1.0, 2.0**-900, 2.0**900]),
)
def test_the_standard_deviation_of_numbers_of_any_size(samples, factor):
    expected = factor * np.std(samples, axis=0)
    np.testing.assert_allclose(standard_deviation(factor * samples), expected, rtol=1e-12)


def test_neighbours_of_a_large_array_share_their_estimate():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(6, LARGE + 3))
    samples[:, 5] = 7.0  # exact
    few, shared = standard_deviation(samples), pooled(samples)
    assert shared[5] == 0
    assert np.all(shared >= few)
    assert np.delete(few, 5).min() < 0.1
    assert np.delete(shared, 5).min() > 2 * np.delete(few, 5).min()
    np.testing.assert_array_equal(pooled(samples[:, :100]), few[:100])
    of_small_scale = pooled(samples * np.where(np.arange(LARGE + 3) % 8 == 3, 1.0, 1e-6))
    assert np.all(np.delete(of_small_scale, np.s_[3::8]) < 1e-4)


def test_functions_are_traced_twice_in_each_precision():
    calls = []

    def loss(w):
        calls.append("loss")
        return w.sum() ** 2

    def gradient(w):
        calls.append("gradient")
        return 2 * w.sum() + 0 * w

    assert check(loss, gradient, np.ones(3)).passes
    assert sorted(calls) == [*["gradient"] * 4, *["loss"] * 4]


def test_every_tuning_constant_is_in_the_table_with_its_calibration():
    folder = pathlib.Path(tuning.__file__).parent
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}
    own = texts.pop(folder / "tuning.py")
    names = re.findall(r"^([A-Z_]+) = ", own, re.MULTILINE)
    described = tuning.described()
    assert re.findall(r"^([A-Z_]+) = ", described, re.MULTILINE) == names
    assert len(re.findall(r"; (measured|derived|chosen)", " ".join(described.split()))) == len(
        names
    )
    for name in names:
        assert any(re.search(rf"\b{name}\b", text) for text in texts.values()), name
    elsewhere = r"^([A-Z_]+(?:, [A-Z_]+)*) = -?[\d.]+(?:e-?\d+|\W|$)"
    found = {name for text in texts.values() for name in re.findall(elsewhere, text, re.MULTILINE)}
    assert found == NO_TUNING


def line(function, noise=1e-16):
    return Line(STEPS, function(STEPS), float(function(0.0)), function(-STEPS), noise)


SMOOTH = {
    "exp": (np.exp, 1.0),
    "a sine": (lambda h: np.sin(50 * h + 1), 50 * np.cos(1.0)),
    "a square": (lambda h: (h - 3) ** 2, -6.0),
    "a line": (lambda h: 2 - 7 * h, -7.0),
    "a logistic loss": (lambda h: np.logaddexp(0, 100 * h - 3), 100 / (1 + np.exp(3))),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_extrapolation_finds_the_derivative_and_knows_its_error(name):
    function, slope = SMOOTH[name]
    estimate = richardson(line(function, noise=3e-16))
    assert abs(estimate.derivative - slope) <= 4 * estimate.error
    assert estimate.error < 1e-8 * abs(slope)


def test_central_differences_have_the_v_of_truncation_and_roundoff():
    differences = central_differences(line(lambda h: np.exp(3 * h + 0.1)))
    errors = np.abs(differences / (3 * np.exp(0.1)) - 1)
    best = int(errors.argmin())
    assert 4 < best < 11
    assert np.all(np.diff(np.log(errors[: best - 1])) < -0.9 * np.log(RATIO**2))
    assert errors[-1] > 100 * errors[best : best + 2].max()


def test_steps_outside_the_domain_are_left_out():
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = richardson(line(lambda h: np.log(0.01 + h), noise=1e-15))
        nowhere = richardson(line(lambda h: np.log(-1.0 - np.abs(h))))
    assert estimate.derivative == pytest.approx(100, rel=1e-7)
    assert np.isinf(nowhere.error)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "a line"])
@pytest.mark.parametrize(("mistake", "order"), [(0.0, 2.0), (1e-3, 1.0)])
def test_the_remainder_of_a_right_gradient_is_of_order_two(name, mistake, order):
    function, slope = SMOOTH[name]
    found = taylor_order(line(function, noise=1e-15), slope * (1 + mistake), 1e-9 * abs(slope))
    assert found == pytest.approx(order, abs=0.1)


def test_the_remainder_of_a_line_tells_nothing():
    assert np.isnan(taylor_order(line(lambda h: 2 - 7 * h, noise=1e-15), -7.0, 1e-12))


def test_the_sides_of_a_kink():
    assert one_sided(line(lambda h: np.maximum(h, 0))) == (1.0, 0.0)
    ahead, behind = one_sided(line(np.exp))
    assert ahead == pytest.approx(behind, rel=1e-5)


def test_shapes_and_places():
    flat = flatten({"b": np.array(2.0), "w": [np.zeros((2, 3)), np.ones(2)]})
    places = [flat.place(position) for position in range(9)]
    assert places[0] == "['b']"
    assert places[6] == "['w'][0][1, 2]"
    assert places[7:] == ["['w'][1][0]", "['w'][1][1]"]


@given(arrays(np.float64, 6, elements=st.floats(-1e300, 1e300)), st.floats(1e-3, 1e3))
def test_a_comparison_of_equals(values, tolerance):
    comparison = compare(values, values, np.full(6, tolerance), np.float64)
    assert comparison.passes
    assert (comparison.absolute, comparison.differing) == (0, 0)
    assert comparison.cosine == 1


@given(arrays(np.float64, 4, elements=st.floats(-1e3, 1e3)), st.integers(0, 3), st.floats(0.1, 9))
def test_one_coordinate_too_far(values, index, error):
    changed = values.copy()
    changed[index] += error
    comparison = compare(changed, values, np.full(4, 0.05), np.float64)
    assert not comparison.passes
    assert comparison.where == f"[{index}]"
    assert comparison.absolute == pytest.approx(error, rel=1e-9)
    assert comparison.differing == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("in_both", [True, False])
def test_what_is_not_finite_never_passes_and_is_located(bad, in_both):
    values = np.array([1e9, 2.0, 3.0])
    ours, reference = values.copy(), np.zeros(3)
    ours[1] = bad
    reference[1] = bad if in_both else 2.0
    comparison = compare(ours, reference, np.full(3, np.inf), np.float64)
    assert not comparison.passes
    assert comparison.where == "[1]"


def test_a_tolerance_of_zero_allows_nothing():
    assert not compare(np.ones(1), np.zeros(1), np.zeros(1), np.float64).passes
    assert compare(np.zeros(1), np.zeros(1), np.zeros(1), np.float64).passes


def test_units_in_the_last_place():
    one = np.ones(1, np.float32)
    assert compare(np.nextafter(one, 2), one, np.ones(1), np.float32).ulps == 1
    assert compare(np.nextafter(one, 2), one, np.ones(1), np.float64).ulps == 2.0**29


def test_the_cosine():
    assert cosine(np.array([1.0, 0.0]), np.array([0.0, 1e-300])) == 0
    assert cosine(np.zeros(2), np.zeros(2)) == 1
    assert np.isnan(cosine(np.zeros(2), np.ones(2)))
    assert cosine(np.array([1e200, 1e200]), np.array([-1e-200, -1e-200])) == pytest.approx(-1)
