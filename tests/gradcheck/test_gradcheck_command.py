"""`python -m mnist_jax.gradcheck`: functions by name, arguments from a file, an exit code."""

import json
import sys

import numpy as np
import pytest

from mnist_jax.gradcheck.__main__ import main

MODULE = """
import jax.numpy as jnp

def loss(w, x, scale=1.0):
    return scale * jnp.sum(jnp.exp(x @ w))

def gradient(w, x, scale=1.0):
    return scale * x.T @ jnp.exp(x @ w)

def of_x(w, x, scale=1.0):
    return scale * jnp.exp(x @ w)[:, None] * w[None]

class wrong:
    @staticmethod
    def gradient(w, x, scale=1.0):
        return -gradient(w, x, scale)

def raises(w, x, scale=1.0):
    raise KeyError("no such")

def leaves(w, x, scale=1.0):
    raise SystemExit(3)

print("imported")
number = 3
"""
QUICK = ["--points", "1", "--directions", "1", "--precisions", "float64"]
ARRAYS = {"w": np.ones(2), "x": np.arange(6.0).reshape(3, 2) / 6}


@pytest.fixture
def model(tmp_path, monkeypatch):
    (tmp_path / "model_of_a_user.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield "model_of_a_user"
    sys.modules.pop("model_of_a_user", None)


def run(module, arrays, *flags, gradient="gradient"):
    np.savez("arguments.npz", *arrays.get("in order", []), **arrays.get("by name", {}))
    functions = (f"{module}:loss", f"{module}:{gradient}")
    return main([*functions, "arguments.npz", *QUICK, *flags])


@pytest.mark.parametrize(
    "arrays",
    [
        {"in order": list(ARRAYS.values())},
        {"by name": ARRAYS},
        {"by name": dict(reversed(ARRAYS.items()))},
        {"by name": {"0": ARRAYS["w"], "1": ARRAYS["x"]}},
        {"by name": {**ARRAYS, "scale": np.array(2.0)}},
    ],
)
def test_a_right_gradient_passes(model, arrays, capsys):
    assert run(model, arrays) == 0
    assert "This gradient is right." in capsys.readouterr().out


def test_a_wrong_one_does_not_and_the_table_says_why(model, capsys):
    assert run(model, {"by name": ARRAYS}, gradient="wrong.gradient") == 1
    printed = capsys.readouterr().out
    assert "This gradient is wrong" in printed
    assert "w: the gradient is -1 times autodiff's" in printed


def test_the_argument_that_is_differentiated(model):
    assert run(model, {"by name": ARRAYS}, "--argnum", "1", gradient="of_x") == 0


def test_json(model, capsys):
    assert run(model, {"by name": ARRAYS}, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passes"] is True
    assert {finding["precision"] for finding in report["findings"]} == {"float64"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["nowhere:loss", "{m}:gradient", "a.npz"], "nowhere can't be imported: ModuleNotFound"),
        (["{m}", "{m}:gradient", "a.npz"], "'model_of_a_user' names no function"),
        (["{m}:loss", "{m}:nothing", "a.npz"], "model_of_a_user has no nothing"),
        (["{m}:loss", "{m}:number", "a.npz"], "model_of_a_user:number is int: give the name"),
        (["{m}:loss", "{m}:gradient", "b.npz"], "b.npz can't be read: No such file"),
        (["{m}:loss", "{m}:gradient", "c.npz"], "c.npz is no .npz of plain arrays"),
        (["{m}:loss", "{m}:gradient", "d.npz"], "d.npz is no .npz of plain arrays"),
        (["{m}:loss", "{m}:gradient", "e.npz"], "the file holds w, y, but the parameters"),
        (["{m}:loss", "{m}:gradient", "f.npz"], "the file holds x, but the parameters"),
        (["{m}:loss", "{m}:gradient", "g.npy"], "g.npy holds a single array"),
        (["{m}:loss", "{m}:gradient", "h.npz"], "h.npz holds no array"),
        (["{m}:loss", "{m}:raises", "a.npz"], "the gradient raised KeyError: 'no such'"),
        (["{m}:loss", "{m}:leaves", "a.npz"], "the check ended with SystemExit: 3"),
        (["{m}_leaves:loss", "{m}:gradient", "a.npz"], "can't be imported: SystemExit: 0"),
        (["{m}:loss", "{m}:gradient", "a.npz", "--argnum", "2"], "argnum is 2"),
        (["{m}:loss", "{m}:gradient", "a.npz", "--points", "0"], "points is 0"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(model, flags, message, capsys, tmp_path):
    np.savez("a.npz", **ARRAYS)
    (tmp_path / "c.npz").write_text("no archive")
    np.savez("d.npz", w=np.array([{}], object))
    np.savez("e.npz", w=ARRAYS["w"], y=ARRAYS["x"])
    np.savez("f.npz", x=ARRAYS["x"])
    np.save("g.npy", ARRAYS["x"])
    np.savez("h.npz")
    (tmp_path / "model_of_a_user_leaves.py").write_text("raise SystemExit(0)")
    assert main([flag.format(m=model) for flag in flags]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert not captured.out


def test_the_constants_are_printed_without_arguments(capsys):
    assert main(["--constants"]) == 0
    assert "TOLERANCE = 16\n" in capsys.readouterr().out
