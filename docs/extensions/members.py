"""Which members autodoc shows, beyond what it decides itself."""

import pkgutil
from importlib import import_module
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import mnist_jax


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", describe_values)
    app.connect("autodoc-skip-member", leave_out_fields)
    return {"parallel_read_safe": True}


def describe_values(app: Any) -> None:
    """Gives the values that a package takes from its modules the words that stand there.

    Classes and functions carry their docstrings with them. A value has none: autodoc reads the
    words under its assignment, and only in the module that it is asked about.
    """
    del app
    for package in pkgutil.iter_modules(mnist_jax.__path__, "mnist_jax."):
        if package.ispkg:
            module = import_module(package.name)
            analyzer = ModuleAnalyzer.for_module(package.name)
            analyzer.analyze()
            for part in pkgutil.iter_modules(module.__path__, f"{package.name}."):
                found = ModuleAnalyzer.for_module(part.name).find_attr_docs()
                for (scope, name), words in found.items():
                    if not scope and name in module.__all__:
                        analyzer.attr_docs[scope, name] = words


def leave_out_fields(
    app: Any, what: str, name: str, obj: object, skip: bool, options: Any
) -> bool | None:
    """Leaves out a NamedTuple's fields, which its docstring and its signature name already."""
    del app, what, name, skip, options
    return True if type(obj).__name__ == "_tuplegetter" else None
