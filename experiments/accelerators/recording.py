"""A compiler for the gradient checker that compiles nothing."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from mnist_jax.compat import ClosedJaxpr, jaxpr_as_fun
from mnist_jax.gradcheck.programs import Compiler


class Recording(Compiler):
    """Notes what the checker would compile."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[ClosedJaxpr, list[Any]]] = []

    def submit(self, closed: ClosedJaxpr, inputs: list[Any]) -> Future[Any]:
        """Notes a program; its future never comes."""
        self.submitted.append((closed, inputs))
        return Future()


def program_of(closed: ClosedJaxpr) -> Callable[[list[Any], list[Any]], list[Any]]:
    """The program of (constants, values) that the checker would compile."""

    def program(constants: list[Any], values: list[Any]) -> list[Any]:
        return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, constants))(*values)

    return program
