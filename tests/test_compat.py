"""What JAX does not promise to keep, as the installed version has it.

A failure here says what a new release of JAX changed; `mnist_jax.compat` is where to follow it.
"""

import ast
import warnings
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax import compat
from mnist_jax.compat import Scan, Solve, UnknownForm, While
from mnist_jax.precision import in_precision

ROOT = Path(__file__).parents[1]
UNSTABLE = ("_src", "core", "experimental", "extend", "interpreters", "lib")
"""Parts of `jax` of which JAX says that they may change from one release to the next."""


def equation_of(function, *arguments, name):
    [found] = [e for e in jax.make_jaxpr(function)(*arguments).eqns if e.primitive.name == name]
    return found


def scanned(x, rows):
    return jax.lax.scan(lambda c, row: (c * x + row, c), jnp.float32(1), rows, reverse=True)


def test_the_parts_of_a_scan():
    scan = Scan.of(equation_of(scanned, jnp.float32(2), jnp.ones(3), name="scan"))
    assert scan[1:] == (1, 1, 3, True)
    assert len(scan.body.jaxpr.eqns) > 0


def test_the_parts_of_a_loop():
    def loop(limit, factor):
        return jax.lax.while_loop(lambda c: c < limit, lambda c: c * factor, jnp.float32(1))

    parts = While.of(equation_of(loop, jnp.float32(9), jnp.float32(2), name="while"))
    assert (parts.asked, parts.constants) == (1, 1)
    assert [e.primitive.name for e in parts.condition.jaxpr.eqns] == ["lt"]
    assert [e.primitive.name for e in parts.body.jaxpr.eqns] == ["mul"]


def test_the_branches_of_a_condition():
    def choose(which, x):
        return jax.lax.switch(which, [jnp.sin, jnp.cos, jnp.tan], x)

    equation = equation_of(choose, 1, jnp.float32(2), name="cond")
    names = [branch.jaxpr.eqns[0].primitive.name for branch in compat.branches(equation)]
    assert names == ["sin", "cos", "tan"]


def test_the_solver_of_a_linear_system():
    def solve(a, b):
        by = jnp.full_like(b, 2)
        return jax.lax.custom_linear_solve(
            lambda x: a * x, b, lambda _, side: side / by, lambda _, side: side / by
        )

    operands = [jnp.full(2, 3.0), jnp.full(2, 5.0)]
    equation = equation_of(solve, *operands, name="custom_linear_solve")
    parts = Solve.of(equation)
    assert [len(equation.invars[each]) for each in (parts.constants, parts.right)] == [1, 1]
    assert [e.primitive.name for e in parts.solver.jaxpr.eqns] == ["div"]


@jax.custom_jvp
def doubled(x):
    return 2 * x


@jax.custom_vjp
def tripled(x):
    return 3 * x


doubled.defjvps(lambda dx, _, x: 2 * dx)
tripled.defvjp(lambda x: (3 * x, None), lambda _, dy: (3 * dy,))


@pytest.mark.parametrize("function", [doubled, tripled], ids=["custom_jvp", "custom_vjp"])
def test_a_function_with_a_rule(function):
    [equation] = jax.make_jaxpr(function)(1.0).eqns
    assert equation.primitive.name in compat.RULES
    assert compat.function_name(equation) == function.__name__
    assert [e.primitive.name for e in compat.called(equation).jaxpr.eqns] == ["mul"]


@pytest.mark.parametrize("wrap", [jax.jit, jax.checkpoint])
def test_a_call(wrap):
    [equation] = jax.make_jaxpr(wrap(jnp.sin))(1.0).eqns
    assert equation.primitive.name in compat.CALLS
    [inside] = compat.inner(equation)
    assert [e.primitive.name for e in inside.jaxpr.eqns] == ["sin"]


@pytest.mark.parametrize("wrap", [jax.jit, jax.checkpoint])
def test_a_call_holds_its_constants(wrap):
    held = np.arange(3.0)
    [equation] = jax.make_jaxpr(wrap(lambda x: x * held))(1.0).eqns
    inside = compat.called(equation)
    assert len(inside.jaxpr.invars) == len(equation.invars)
    assert len(inside.jaxpr.constvars) == len(inside.consts)


@pytest.mark.parametrize("name", ["scan", "while", "cond", "custom_linear_solve", "jit"])
def test_an_unknown_form_is_named(name):
    unknown = SimpleNamespace(primitive=SimpleNamespace(name=name), params={"b": 1, "a": 2})
    with pytest.raises(UnknownForm, match=rf"writes {name} in a form .* are a, b, none of them"):
        compat.inner(unknown)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_an_array_is_converted_at_each_use(precision):
    held, jitted = np.arange(3.0), jax.jit(lambda x: x * held)
    for each in ("float32", "float64", precision):
        with in_precision(each):
            assert jitted(jnp.ones(3, each)).dtype == each


def test_a_conversion_that_is_not_known_is_a_warning(monkeypatch):
    monkeypatch.setattr(jax, "__version_info__", (99, 0, 0))
    monkeypatch.delattr("jax._src.literals.TypedNdArray")
    with pytest.warns(UserWarning, match="converts NumPy arrays in a form .*TypedNdArray"):
        compat.convert_at_each_use()


def test_a_conversion_that_is_known_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compat.convert_at_each_use()


def unstable_names(source):
    """The names in a module that JAX does not promise to keep."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        for name in names:
            first, *rest = name.split(".")
            if first == "jaxlib" or (first == "jax" and rest and rest[0] in UNSTABLE):
                yield name


def test_unstable_names_are_found():
    assert list(unstable_names("import jax.core\nfrom jax import extend, numpy\nx = jax.lib.y()"))
    assert list(unstable_names("from jaxlib import xla_client"))
    assert not list(unstable_names("import jax\nfrom jax import numpy\nx = jax.lax.y(core)"))


def test_only_one_module_uses_what_jax_may_change():
    files = [path for part in ("mnist_jax", "experiments") for path in (ROOT / part).rglob("*.py")]
    used = {
        path.relative_to(ROOT).as_posix(): names
        for path in files
        if (names := [*unstable_names(path.read_text(encoding="utf-8"))])
    }
    assert [*used] == ["mnist_jax/compat.py"], f"use them through mnist_jax.compat: {used}"
