"""Balls hold the true value, beside mpmath at 100 digits; and what constants mean."""

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import arb
from hypothesis import assume, given
from hypothesis import strategies as st

from mnist_jax.gradcheck.arithmetic import factorizations
from mnist_jax.gradcheck.arithmetic.balls import OPERATIONS, precision
from mnist_jax.gradcheck.arithmetic.combining import ordering, reductions
from mnist_jax.gradcheck.arithmetic.comparisons import COMPARISONS, Undecided
from mnist_jax.gradcheck.arithmetic.elementwise import SPECIAL
from mnist_jax.gradcheck.arithmetic.exact import as_written, exactly, is_written, moved
from mnist_jax.gradcheck.arithmetic.structure import STRUCTURE

mpmath.mp.dps = 110
ANY, POSITIVE, UNIT, ABOVE = (-30.0, 30.0), (0.01, 30.0), (-0.99, 0.99), (1.01, 30.0)
# the reference, and where each operand is drawn from
REFERENCES = {
    **{name: (getattr(mpmath, name), [ANY]) for name in ("exp", "expm1", "sin", "cos", "tan")},
    **{name: (getattr(mpmath, name), [ANY]) for name in ("atan", "sinh", "cosh", "tanh", "erf")},
    **{name: (getattr(mpmath, name), [UNIT]) for name in ("asin", "acos", "atanh")},
    **{"asinh": (mpmath.asinh, [ANY]), "acosh": (mpmath.acosh, [ABOVE])},
    **{"log": (mpmath.log, [POSITIVE]), "log1p": (mpmath.log1p, [(-0.9, 30.0)])},
    **{"sqrt": (mpmath.sqrt, [POSITIVE]), "rsqrt": (lambda x: 1 / mpmath.sqrt(x), [POSITIVE])},
    **{"erfc": (mpmath.erfc, [ANY]), "erf_inv": (mpmath.erfinv, [UNIT])},
    "exp2": (lambda x: mpmath.mpf(2) ** x, [ANY]),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), [ANY]),
    "log2": (lambda x: mpmath.log(x, 2), [POSITIVE]),
    "one_minus_square": (lambda x: 1 - x * x, [ANY]),
    "logistic": (lambda x: 1 / (1 + mpmath.exp(-x)), [ANY]),
    "square": (lambda x: x * x, [ANY]),
    "abs": (abs, [ANY]),
    "neg": (lambda x: -x, [ANY]),
    "sign": (mpmath.sign, [POSITIVE]),
    "lgamma": (lambda x: mpmath.log(abs(mpmath.gamma(x))), [(-4.9, 30.0)]),
    "digamma": (mpmath.digamma, [(-4.9, 30.0)]),
    "bessel_i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), [ANY]),
    "bessel_i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), [ANY]),
    "add": (lambda a, b: a + b, [ANY, ANY]),
    "add_any": (lambda a, b: a + b, [ANY, ANY]),
    "sub": (lambda a, b: a - b, [ANY, ANY]),
    "mul": (lambda a, b: a * b, [ANY, ANY]),
    "div": (lambda a, b: a / b, [ANY, POSITIVE]),
    "rem": (lambda a, b: mpmath.sign(a) * (abs(a) % abs(b)), [ANY, POSITIVE]),
    "pow": (lambda a, b: a**b, [POSITIVE, (-5.0, 5.0)]),
    "atan2": (mpmath.atan2, [ANY, ANY]),
    "max": (max, [ANY, ANY]),
    "min": (min, [ANY, ANY]),
    "polygamma": (lambda n, x: mpmath.polygamma(2, x), [(2.0, 2.0), POSITIVE]),
    "zeta": (mpmath.zeta, [(1.5, 9.0), POSITIVE]),
    "igamma": (lambda a, x: mpmath.gammainc(a, 0, x, regularized=True), [POSITIVE, POSITIVE]),
    "igammac": (lambda a, x: mpmath.gammainc(a, x, regularized=True), [POSITIVE, POSITIVE]),
    "regularized_incomplete_beta": (
        lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
        [(0.1, 9.0), (0.1, 9.0), (0.01, 0.99)],
    ),
    "clamp": (lambda low, x, high: min(max(x, low), high), [(-9.0, 0.0), ANY, (1.0, 9.0)]),
    "floor": (mpmath.floor, [ANY]),
    "ceil": (mpmath.ceil, [ANY]),
}
# what is compared with JAX's own float64, on numbers that both hold exactly or nearly so
ELSEWHERE = {
    *(
        *STRUCTURE,
        *ordering(abs),
        *reductions(dict.fromkeys(("sum", "prod", "max", "min"), (np.add, 0))),
    ),
    *(*COMPARISONS, *factorizations.BALLS, "lt_to", "le_to", "dot_general", "conv_general_dilated"),
    *("cumlogsumexp", "integer_pow", "round", "is_finite", "bitcast_convert_type"),
    "polynomial",
}


def test_every_operation_is_tested():
    assert set(OPERATIONS) == set(REFERENCES) | ELSEWHERE
    assert set(SPECIAL) <= set(REFERENCES)


def parsed(number):
    """A reference, with what its own 110 digits and their printing may be off by."""
    with precision(500):
        middle = arb(mpmath.nstr(mpmath.mpf(number), 105))
        return arb(middle.mid(), abs(middle).upper() * arb(10) ** -98)


@pytest.mark.parametrize("name", sorted(REFERENCES))
@given(st.data())
def test_balls_hold_the_true_value(name, data):
    """The value at any point of the operands' balls is in the result's."""
    reference, domains = REFERENCES[name]
    middles = [data.draw(st.floats(*domain)) for domain in domains]
    radius = data.draw(st.sampled_from([0.0, 1e-12, 1e-6]))
    radii = [0.0 if low == high else radius for low, high in domains]
    shifts = [data.draw(st.floats(-1, 1)) for _ in middles]
    inside = [
        mpmath.mpf(m) + mpmath.mpf(r) * s for m, r, s in zip(middles, radii, shifts, strict=True)
    ]
    assume(all(abs(x - mpmath.nint(x)) > 1e-3 for x in inside) or name not in {"lgamma", "digamma"})
    expected = reference(*inside)
    with precision(data.draw(st.sampled_from([64, 200]))):
        operands = [np.asarray(arb(m, r), object) for m, r in zip(middles, radii, strict=True)]
        try:
            result = np.asarray(OPERATIONS[name](*operands)).item()
        except Undecided:
            return
    with precision(500):
        assert result.overlaps(parsed(expected)) or not result.is_finite()
    if radius == 0.0 and name not in {"tan", "rem", "lgamma", "digamma"}:
        assert result.rad() <= abs(result) * 1e-10 + 1e-12  # and it is not all numbers


@given(st.floats(-9, 9), st.integers(-4, 6))
def test_integer_powers(base, power):
    assume(abs(base) > 0.1 or power >= 0)
    with precision(64):
        result = OPERATIONS["integer_pow"](np.asarray(arb(base), object), y=power).item()
    assert result.overlaps(parsed(mpmath.mpf(base) ** power))


@given(st.sampled_from([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -0.7, 3.0]))
def test_rounding_to_integers(value):
    ball = np.asarray(arb(value), object)
    away = OPERATIONS["round"](ball, rounding_method=0).item()
    assert float(away) == np.sign(value) * np.floor(abs(value) + 0.5)
    assert float(OPERATIONS["round"](ball, rounding_method=1).item()) == np.rint(value)


def test_a_ball_that_is_too_narrow_would_be_noticed():
    with precision(64):
        narrow = arb(2).sqrt().mid()
    with precision(500):
        assert not narrow.overlaps(parsed(mpmath.sqrt(2)))


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_are_certain_or_none(name):
    compare, one, two = COMPARISONS[name], arb(1), arb(2)
    assert compare(one, two) == getattr(one, f"__{name}__")(two)
    assert compare(one, arb(1)) == (name in {"le", "ge", "eq"})
    about = arb(1, 1e-9)
    assert compare(about, about) == (name in {"le", "ge", "eq"})  # the same number
    with pytest.raises(Undecided, match=f"a comparison \\({name}\\) of numbers that are equal to"):
        compare(about, one)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (0.1, lambda: arb(1) / 10),
        (3 * 0.1, lambda: arb(3) / 10),
        (-1 / 3, lambda: arb(-1) / 3),
        (1 / 785, lambda: arb(1) / 785),
        (1e-5, lambda: arb(10) ** -5),
        (float(np.pi), arb.pi),
        (float(np.sqrt(2 / np.pi)), lambda: arb.sqrt(2 / arb.pi())),
        (float(2 / np.sqrt(np.pi)), lambda: 2 / arb.pi().sqrt()),
        (float(np.log(2)), arb(2).log),
        (float(1 / np.log(10)), lambda: 1 / arb(10).log()),
        (float(0.5 * np.log(2 * np.pi)), lambda: (2 * arb.pi()).log() / 2),
        (0.044715, lambda: arb(44715) / 10**6),
        (128.0, lambda: arb(2) ** 7),
        (float("-inf"), arb.neg_inf),
    ],
)
def test_constants_mean_what_is_written(value, meaning):
    with precision(300):
        ball = as_written(value)
        assert ball.overlaps(meaning())
        assert ball.is_exact() or ball.rad() < 1e-80
    assert is_written(value)


@given(st.floats(0.01, 100))
def test_other_constants_are_the_decimal_that_stands_there(value):
    with precision(300):
        assert float(as_written(value)) == pytest.approx(value, rel=2e-15)


def test_a_float32_constant_is_its_own_decimal():
    eps = float(np.finfo(np.float32).eps)
    assert as_written(float(np.float32(0.1)), eps).overlaps(arb(1) / 10)


def test_data_are_the_floats_and_are_moved_by_less_than_half_a_unit():
    numbers = np.array([0.1, -3.7, 1e-300, 1e9 + 0.5, 0.1])
    assert [float(x) for x in exactly(numbers)] == numbers.tolist()
    with precision(2000):
        draws = [moved(numbers, draw) for draw in (1, 2)]
        offsets = [[abs(float(b - arb(x))) for b, x in zip(d, numbers, strict=True)] for d in draws]
    for balls, offset in zip(draws, offsets, strict=True):
        assert np.all(offset <= 0.5 * np.spacing(np.abs(numbers)))
        assert np.count_nonzero(offset) >= 4
        assert balls[0] == balls[4]  # the same number is moved the same way
    assert any(a != b for a, b in zip(*draws, strict=True))
    assert moved(np.array([3.0, 0.0]), 1).tolist() == [arb(3), arb(0)]


def test_infinite_numbers():
    balls = exactly(np.array([-np.inf, np.inf]))
    assert OPERATIONS["exp"](balls)[0] == 0
    assert OPERATIONS["logistic"](balls).tolist() == [arb(0), arb(1)]
    assert jnp.isneginf(float(OPERATIONS["log"](exactly(np.array(0.0))).item()))
