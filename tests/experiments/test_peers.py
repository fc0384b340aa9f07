"""The other checkers are asked the same, each as its users ask it."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.controls.foreign import FOREIGN
from experiments.controls.foreign.entry import Case
from experiments.controls.foreign.mistakes import sign
from experiments.controls.peers import comparing
from experiments.controls.peers.checkers import PEERS, missing
from experiments.controls.peers.comparing import OURS, Work, compare, everything
from experiments.controls.peers.subject import subject
from experiments.controls.peers.summary import peer_numbers, peer_table

pytestmark = pytest.mark.usefixtures("promotion")

POINT = {"a": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": np.array(0.7)}
present = pytest.mark.parametrize(
    "peer", [p for p in PEERS if p.name not in missing()], ids=lambda peer: peer.name
)


def loss(x):
    return jnp.sum(x["a"] ** 3) + jnp.sin(x["b"])


def gradient(x):
    return {"a": 3 * np.asarray(x["a"]) ** 2, "b": np.cos(x["b"])}


CASE = Case(loss, gradient, (POINT,))


@present
def test_a_checker_passes_a_right_gradient_and_not_a_wrong_one(peer):
    assert peer.passes(subject(CASE, gradient), peer.threshold)
    assert not peer.passes(subject(CASE, sign().of(gradient)), peer.threshold)


@present
def test_a_wider_threshold_passes_more(peer):
    def off(x):
        return {"a": gradient(x)["a"] * (1 + 3 * peer.threshold), "b": gradient(x)["b"]}

    given = subject(CASE, off)
    assert not peer.passes(given, peer.threshold / 10)
    assert peer.passes(given, 1000 * peer.threshold)


def test_a_subject_is_the_loss_and_the_gradient_of_one_vector():
    given = subject(CASE, gradient)
    assert given.point.tolist() == [1.0, -2.0, 0.5, 3.0, 0.7]
    np.testing.assert_allclose(given.gradient(given.point)[:4], 3 * given.point[:4] ** 2)
    assert given.value(jnp.asarray(given.point)) == pytest.approx(float(loss(POINT)), rel=1e-6)


def test_of_several_arguments_those_that_are_differentiated_are_the_vector():
    case = Case(
        lambda a, n, b: jnp.sum(a * b) * n,
        lambda a, n, b: (n * b, n * a),
        (np.ones(2), 3, np.full(2, 2.0)),
        {"argnum": (0, 2)},
    )
    given = subject(case, case.gradient)
    assert given.point.tolist() == [1, 1, 2, 2]
    assert given.gradient(given.point).tolist() == [6, 6, 3, 3]


def test_a_gradient_of_another_shape_is_an_error():
    given = subject(CASE, lambda x: {"a": x["a"][0], "b": x["b"]})
    with pytest.raises(ValueError, match="shapes"):
        given.gradient(given.point)


def test_a_rule_is_a_linear_function_of_its_output():
    rule = next(entry for entry in FOREIGN if entry.name == "fused cross entropy").make()
    given = subject(rule, rule.gradient)
    assert given.gradient(given.point).shape == given.point.shape


@pytest.fixture
def answers(monkeypatch):
    monkeypatch.setattr(comparing, "PEERS", PEERS[1:3])
    work = [Work("foreign", "ridge, intercept free"), Work("mutations", "sign")]
    return [each for one in work for each in compare(one)]


def test_answers_become_rows_with_every_threshold(answers):
    numbers = peer_numbers(answers, [])
    [ours, *theirs] = numbers["controls"]
    assert ours["checker"] == OURS
    assert (ours["wrong"], ours["caught"]) == (1, 1)
    assert [row["checker"] for row in theirs] == [peer.name for peer in PEERS[1:3]]
    for row, peer in zip(numbers["foreign"], PEERS[1:3], strict=True):
        assert (row["right"], row["passed"], row["wrong"], row["caught"]) == (1, 1, 3, 3)
        assert [other["threshold"] for other in row["others"]] == sorted(peer.others)
    assert peer_table("all", numbers["foreign"]).row_count == 2


def test_there_is_something_of_each_kind_to_compare_on():
    groups = [work.group for work in everything()]
    assert groups.count("mutations") == 81
    assert groups.count("problems") == comparing.RIGHT_PROBLEMS
    assert groups.count("foreign") > 30
