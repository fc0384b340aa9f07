"""Every public name of the library must stand in the API reference; one that doesn't is a warning.

Public are the names of `__all__` or, in a module without it, all that it defines and that don't
begin with an underscore, type variables excepted.
"""

import ast
import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import getsource
from types import ModuleType
from typing import Any, TypeVar

import mnist_jax

INTERNAL = {"mnist_jax.compat"}
"""Modules for the library's own use: what differs between versions of JAX."""


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True}


def check(app: Any, env: Any) -> None:
    """Warns of public names that are not documented."""
    from sphinx.util.logging import getLogger

    del app
    if names := missing(env.domains["py"].objects):
        getLogger(__name__).warning("not in the API reference: %s", ", ".join(names))


def missing(documented: Iterable[str]) -> list[str]:
    """The public names that are not among those documented."""
    return sorted({*public_names()} - {*documented})


def public_names() -> Iterator[str]:
    """The full names of all that is public."""
    for found in pkgutil.iter_modules(mnist_jax.__path__, "mnist_jax."):
        if found.name in INTERNAL:
            continue
        module = import_module(found.name)
        yield from (f"{found.name}.{name}" for name in names_of(module))


def names_of(module: ModuleType) -> list[str]:
    """The public names of a module."""
    public = [name for name in defined(module) if not name.startswith("_")]
    values = [name for name in public if not isinstance(getattr(module, name), TypeVar)]
    return getattr(module, "__all__", values)


def defined(module: ModuleType) -> Iterator[str]:
    """What a module defines at its top level."""
    for node in ast.parse(getsource(module)).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
