"""Foreign gradients are right, their mistakes are mistakes, and what is said is judged fairly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sampling import sampled

from experiments.controls.foreign import FOREIGN, judging
from experiments.controls.foreign.entry import NEVER
from experiments.controls.foreign.judging import Response, absent, judge, verdict
from experiments.controls.foreign.mistakes import coordinate, sign, sum_for_mean, twice
from experiments.controls.foreign.summary import foreign_numbers, foreign_table

pytestmark = pytest.mark.usefixtures("quick_compilation", "promotion")

# a mistake that only rounds to float32 differs by 1e-8
RIGHT, WRONG = 1e-10, 1e-9


@pytest.fixture(params=sampled(FOREIGN, every=6), ids=lambda entry: entry.name)
def case(request):
    if missing := absent(request.param):
        pytest.skip(f"{missing} is not installed")
    return request.param.make()


def summed(function):
    """A random linear function of the output of a function with a rule."""

    def value(*arguments):
        out = function(*arguments)
        return jnp.sum(np.random.default_rng(0).normal(size=out.shape) * out)

    return value


def hand_written(case, gradient):
    """What a gradient returns, or what a rule gives, without the value that may come with it."""
    if case.loss is None:
        argnums = tuple(range(len(case.arguments)))
        return jax.jit(jax.grad(summed(gradient), argnums))(*case.arguments)
    returned = gradient(*case.arguments)
    return returned[1] if case.has_value else returned


def reference(case):
    """The loss and its gradient by autodiff."""
    argnums = case.options.get("argnum", 0)
    return jax.jit(jax.value_and_grad(case.loss, argnums))(*case.arguments)


def distance(one, other):
    """The largest difference over the largest coordinate; infinite if shapes differ."""
    if jax.tree.map(np.shape, one) != jax.tree.map(np.shape, other):
        return np.inf
    pairs = list(zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))
    largest = max(np.abs(b).max() for _, b in pairs)
    return max(np.abs(np.asarray(a) - np.asarray(b)).max() for a, b in pairs) / largest


def measured_slope(function, arguments, directions, step=1e-5):
    """A central difference along a direction of all arguments."""
    ahead, behind = (
        function(*(a + s * d for a, d in zip(arguments, directions, strict=True)))
        for s in (step, -step)
    )
    return float(ahead - behind) / (2 * step)


def test_each_right_gradient_is_right_and_each_mistake_is_one(case):
    with jax.enable_x64(True):
        right = hand_written(case, case.gradient)
        value = None
        if case.loss is None:
            rng = np.random.default_rng(1)
            directions = [rng.normal(size=np.shape(a)) for a in case.arguments]
            function = jax.jit(summed(case.gradient))
            slope = sum(np.vdot(g, d) for g, d in zip(right, directions, strict=True))
            assert slope == pytest.approx(
                measured_slope(function, case.arguments, directions), rel=1e-7
            )
        else:
            value, gradient = reference(case)
            assert distance(right, gradient) < RIGHT
        for mistake in case.mistakes:
            assert distance(hand_written(case, case.wrong(mistake)), right) > WRONG, mistake.wrong
        if case.has_value and value is not None:
            for mistake in case.mistakes:
                returned = case.wrong(mistake)(*case.arguments)[0]
                assert float(returned) == pytest.approx(float(value), rel=1e-9)


def test_there_are_many_of_many_kinds_with_three_mistakes_each():
    assert len({entry.name for entry in FOREIGN}) == len(FOREIGN) >= 90
    assert sum(entry.origin == "called" for entry in FOREIGN) >= 45
    present = [entry.make() for entry in FOREIGN if not absent(entry)]
    assert {len(case.mistakes) for case in present} == {3}
    assert sum(case.loss is None for case in present) >= 10
    assert any("argnum" in case.options for case in present)
    assert sum(case.has_value for case in present) >= 5


SAID = Response(passes=False, text="", refused=False, seconds=0.1)


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (sign(), "This gradient is wrong: it is -1 times the right one."),
        (twice(), "it is 2 times the right one"),
        (twice(), "Twice the right gradient."),
        (sum_for_mean(40), "it is 40 times the right one; you summed over the 40 examples"),
        (coordinate(2, 1), "weights[2, 1] is off by 0.1 %"),
    ],
)
def test_plain_words_name_a_mistake(mistake, text):
    assert verdict(mistake, SAID._replace(text=text)).named


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (sign(), "it is 2 times the right one"),
        (twice(), "it is 12 times the right one"),
        (twice(), "it is -2 times the right one"),
        (sum_for_mean(40), "it is 140 times the right one"),
        (coordinate(2, 1), "weights[2, 11] is off"),
    ],
)
def test_other_words_do_not(mistake, text):
    one = verdict(mistake, SAID._replace(text=text))
    assert one.caught
    assert not one.named


def test_what_is_denied_is_not_said():
    text = "It is no constant factor, no multiple of the weights and no rearrangement."
    weights = sign()._replace(named=r"weights|rearrange")
    assert not verdict(weights, SAID._replace(text=text)).named


@pytest.mark.parametrize(
    "text", ["autodiff is wrong here", "a kink lies near", "computed in float16?"]
)
def test_what_is_not_so_is_no_name(text):
    one = verdict(twice(), SAID._replace(text=f"2 times the right one; {text}"))
    assert one.misnamed
    assert not one.named


def test_a_refusal_counts_only_if_it_names_the_mistake():
    refused = SAID._replace(passes=None, refused=True)
    shaped = twice()._replace(named="shape")
    assert verdict(shaped, refused._replace(text="the shape is [3, 2]")).caught
    assert not verdict(shaped, refused._replace(text="an internal error")).caught


def test_what_passes_or_crashes_is_not_caught():
    for passes in (True, None):
        assert not verdict(sign(), SAID._replace(passes=passes, text="-1 times")).caught


def test_a_judgement_of_the_checker(monkeypatch):
    entry = next(entry for entry in FOREIGN if entry.name == "weighted regression")
    monkeypatch.setattr(judging, "FOREIGN", [entry])
    judged = judge(entry.name)
    assert judged.right is not None
    assert judged.right.passes
    assert all(one.caught for one in judged.wrong)
    numbers = foreign_numbers([judged])
    assert (numbers["total"], numbers["passed"], numbers["caught"]) == (1, 1, 3)
    assert numbers["seconds"]["median"] == judged.right.seconds
    assert foreign_table([judged]).row_count == 1


def test_an_absent_package_is_said(monkeypatch):
    entry = FOREIGN[0]._replace(package="a package that does not exist")
    monkeypatch.setattr(judging, "FOREIGN", [entry])
    judged = judge(entry.name)
    numbers = foreign_numbers([judged])
    assert numbers["total"] == 0
    assert numbers["absent"] == {entry.name: entry.package}


def test_a_crash_of_the_checker_is_a_result(monkeypatch):
    def crash(*_, **__):
        raise TypeError("internal")

    entry = next(entry for entry in FOREIGN if entry.name == "weighted regression")
    monkeypatch.setattr(judging, "FOREIGN", [entry])
    monkeypatch.setattr(judging.gradcheck, "check", crash)
    judged = judge(entry.name)
    assert judged.right is not None
    assert judged.right.passes is None
    assert "TypeError: internal" in judged.right.text
    assert not any(one.caught for one in judged.wrong)


def test_the_words_that_are_wrong_everywhere_are_no_words_of_ours():
    assert NEVER in sign().never
