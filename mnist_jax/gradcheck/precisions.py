"""Finds functions that compute in a lower precision than they are called in."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp

from mnist_jax.compat import Jaxpr, Literal, inside
from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.programs import Program, Programs


def narrowed(programs: Programs) -> Iterator[Finding]:
    """Yields a finding for a loss or a gradient that computes internally in a lower precision.

    Only operations that depend on the arguments count; data may have any precision.
    """
    size = jnp.dtype(programs.precision).itemsize
    for name, program in (("loss", programs.loss), ("gradient", programs.hand)):
        if not isinstance(program, Program):
            continue
        jaxpr = program.traced.closed.jaxpr
        moving = len(jaxpr.invars)
        found = _narrowest(jaxpr, [True] * moving)
        if found is not None and jnp.dtype(found).itemsize < size:
            note = (
                f"the {name} computes in {found} inside, even when it is called in "
                f"{programs.precision}: its result is only as accurate as {found}"
            )
            yield Finding("own precision", programs.precision, False, note=note)


def roundoff_of_data(programs: Programs) -> float:
    """Returns the largest unit of roundoff of the arrays and results inside both functions.

    Arrays that a function holds keep their dtype, and what is computed from them alone does too.
    """
    found = [jnp.dtype(programs.precision)]
    for program in (programs.loss, programs.hand):
        if isinstance(program, Program):
            found += _dtypes(program.traced.closed.jaxpr)
    return max(float(jnp.finfo(dtype).eps) / 2 for dtype in found)


def _dtypes(jaxpr: Jaxpr) -> Iterator[Any]:
    variables = [*jaxpr.constvars, *(v for each in jaxpr.eqns for v in each.outvars)]
    dtypes = {getattr(variable.aval, "dtype", None) for variable in variables}
    yield from (d for d in dtypes if d is not None and jnp.issubdtype(d, jnp.floating))
    for equation in jaxpr.eqns:
        for inner in inside(equation):
            yield from _dtypes(inner)


def _narrowest(jaxpr: Jaxpr, depends: list[bool]) -> Any:
    """Returns the narrowest floating dtype of a result that depends on the given inputs."""
    known = dict(zip(jaxpr.invars, depends, strict=True))
    found: list[Any] = []
    for equation in jaxpr.eqns:
        given = [not isinstance(v, Literal) and known.get(v, False) for v in equation.invars]
        if not any(given):
            continue
        for each in inside(equation):
            same = len(each.invars) == len(given)
            dtype = _narrowest(each, given if same else [True] * len(each.invars))
            found += [] if dtype is None else [dtype]
        for variable in equation.outvars:
            known[variable] = True
            dtype = getattr(variable.aval, "dtype", None)
            if dtype is not None and jnp.issubdtype(dtype, jnp.floating):
                found.append(dtype)
    return min(found, key=lambda dtype: jnp.dtype(dtype).itemsize, default=None)
