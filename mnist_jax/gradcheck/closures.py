"""What functions of users close over, and what they store for each other."""

import dis
import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# depth of the search for these values
DEPTH = 3


@contextmanager
def unchanged(*functions: Callable[..., Any]) -> Iterator[None]:
    """Restores, on exit, the arrays that functions close over and may change."""
    held = [
        value
        for function in functions
        if writes_in_place(function)
        for _, value in captured(function)
        if isinstance(value, np.ndarray) and value.flags.writeable
    ]
    copies = [array.copy() for array in held]
    try:
        yield
    finally:
        for array, copy in zip(held, copies, strict=True):
            array[...] = copy


def share_state(loss: Callable[..., Any], gradient: Callable[..., Any]) -> bool:
    """Returns whether the loss may store values that the gradient uses.

    A layer does, whose backward pass needs what its forward pass stored.
    """
    if _rebinds(loss):
        return True
    theirs = {id(value) for value in _held(gradient)}
    shared = [value for value in _held(loss) if id(value) in theirs]
    return any(
        writes_in_place(loss) if isinstance(value, dict | list) else _stores(value)
        for value in shared
    )


def _rebinds(function: Callable[..., Any]) -> bool:
    """Returns whether a function sets a global variable, or one of a function around it."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and any(
        each.opname == "STORE_GLOBAL"
        or (each.opname == "STORE_DEREF" and each.argval in code.co_freevars)
        for each in dis.get_instructions(code)
    )


def _held(function: Callable[..., Any]) -> Iterator[Any]:
    yield getattr(function, "__self__", None)
    yield from (value for _, value in captured(function))


def _stores(value: Any, depth: int = DEPTH) -> bool:
    """Returns whether a method of an object, or of one that it holds, sets an attribute."""
    if isinstance(value, list | tuple | dict) and depth:
        inside = value.values() if isinstance(value, dict) else value
        return any(_stores(each, depth - 1) for each in inside)
    no_instance = inspect.isroutine(value) or inspect.ismodule(value) or inspect.isclass(value)
    if not depth or no_instance or not hasattr(value, "__dict__") or hasattr(value, "__array__"):
        return False
    methods = [
        method
        for kind in type(value).__mro__
        for name, member in vars(kind).items()
        # a decorator may wrap anything
        if name != "__init__" and inspect.isfunction(method := inspect.unwrap(member))
    ]
    if any(each.opname == "STORE_ATTR" for m in methods for each in dis.get_instructions(m)):
        return True
    return any(_stores(each, depth - 1) for each in vars(value).values())


def after(first: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that calls another one first, with the same arguments."""

    @functools.wraps(function)
    def both(*arguments: Any) -> Any:
        first(*arguments)
        return function(*arguments)

    return both


def writes_in_place(function: Callable[..., Any]) -> bool:
    """Returns whether a function, or one that it calls, may change an array in place.

    It does not if no instruction of its bytecode assigns to items or operates in place.
    """
    called = [value for _, value in captured(function) if callable(value)]
    return any(map(_assigns, [function, *called]))


def _assigns(function: Callable[..., Any]) -> bool:
    plain = inspect.unwrap(getattr(function, "func", function))
    code = getattr(plain, "__code__", None) or getattr(type(plain).__call__, "__code__", None)
    return code is not None and any(
        each.opname in {"STORE_SUBSCR", "STORE_SLICE"} or each.argrepr in IN_PLACE
        for each in dis.get_instructions(code)
    )


IN_PLACE = {f"{sign}=" for sign in ("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^")}


def captured(function: Any, depth: int = DEPTH) -> Iterator[tuple[str, Any]]:
    """Yields the names and values that a function and the functions it uses close over."""
    if depth == 0:
        return
    if isinstance(function, functools.partial):
        yield from ((str(i), value) for i, value in enumerate(function.args))
        yield from function.keywords.items()
        yield from captured(function.func, depth - 1)
        return
    function = inspect.unwrap(function) if callable(function) else function
    owner = getattr(function, "__self__", function)
    values = (
        dict(vars(owner)) if hasattr(owner, "__dict__") and not inspect.isroutine(owner) else {}
    )
    code = getattr(function, "__func__", function)
    if inspect.isfunction(code):
        names, given = inspect.getclosurevars(code), inspect.signature(code).parameters.values()
        defaults = {each.name: each.default for each in given if each.default is not each.empty}
        values = {**values, **names.globals, **names.nonlocals, **defaults}
    for name, value in values.items():
        yield name, value
        if inspect.isroutine(value) or isinstance(value, functools.partial):
            yield from captured(value, depth - 1)
