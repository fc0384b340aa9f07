"""Processes meet before JAX joins them.

JAX's own runtime waits five minutes in silence for a process that does not come, answers no signal
meanwhile, and then aborts the interpreter. Here the same wait ends with a message.
"""

import contextlib
import socket
import time
from collections.abc import Callable

from mnist_jax.errors import UsageError

_SILENT = 2.0
"""Seconds after which a line says what is waited for."""
_AT_A_TIME = 0.5
_HELLO = "mnist_jax"
_GO = "go"


class Deadline:
    """The time that is left, and a line on what is waited for once it takes long."""

    def __init__(self, seconds: float, waiting_for: str, report: Callable[[str], None]) -> None:
        self._start, self._seconds = time.monotonic(), seconds
        self._line = f"{waiting_for}, for {seconds:g} seconds at most"
        self._report: Callable[[str], None] | None = report

    def passed(self) -> bool:
        """Whether no time is left."""
        spent = time.monotonic() - self._start
        if self._report and spent > _SILENT:
            self._report(self._line)
            self._report = None
        return spent >= self._seconds


def meet(
    coordinator: str, count: int, process: int, seconds: float, report: Callable[[str], None]
) -> None:
    """Waits until all processes are there.

    Args:
        coordinator: Address and port of process 0, free for JAX afterwards.
        count: How many processes there are.
        process: Which one this is, from 0.
        seconds: How long to wait.
        report: Takes a line on what is waited for, if it takes long.

    Raises:
        UsageError: If one does not come, or the processes don't fit each other.
    """
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdigit() and int(port) < 2**16):
        raise UsageError(f"coordinator is {coordinator!r}; give HOST:PORT of process 0.")
    if count == 1:
        return
    waiting_for = "the others" if process == 0 else f"process 0 at {coordinator}"
    deadline = Deadline(seconds, f"waiting for {waiting_for}", report)
    if process == 0:
        _gather(int(port), count, deadline)
    else:
        _answer_of((host.strip("[]"), int(port)), f"{_HELLO} {process} {count}", deadline)


def _gather(port: int, count: int, deadline: Deadline) -> None:
    """What process 0 does: it lets all go on when the last has come."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listen(port))
        server.settimeout(_AT_A_TIME)
        present: dict[int, socket.socket] = {}
        while len(present) < count - 1:
            if deadline.passed():
                missing = ", ".join(str(n) for n in range(1, count) if n not in present)
                raise UsageError(
                    f"process {missing} of {count} did not come: start each with the same "
                    "--coordinator and --num-processes and its own --process, or give more "
                    "seconds by --wait."
                )
            with contextlib.suppress(OSError):  # nobody there yet, or already gone
                guest = stack.enter_context(server.accept()[0])
                guest.settimeout(_AT_A_TIME)
                _admit(guest, guest.recv(64).decode(errors="replace").split(), count, present)
        for guest in present.values():
            guest.sendall(_GO.encode())


def _admit(
    guest: socket.socket, hello: list[str], count: int, present: dict[int, socket.socket]
) -> None:
    """Notes who has come; a stranger is left alone, a process that doesn't fit is told why."""
    if len(hello) != 3 or hello[0] != _HELLO or not (hello[1] + hello[2]).isdigit():
        return
    number, its_count = int(hello[1]), int(hello[2])
    if its_count != count:
        guest.sendall(f"process 0 was given --num-processes {count}, not {its_count}".encode())
    elif number in present:
        guest.sendall(f"there is another process {number} already".encode())
    else:
        present[number] = guest


def _listen(port: int) -> socket.socket:
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise UsageError(
            f"process 0 can't listen at port {port} ({error.strerror}): give another port by "
            "--coordinator, to all processes."
        ) from error


def _answer_of(address: tuple[str, int], hello: str, deadline: Deadline) -> None:
    """What the other processes do: each says who it is and waits until it may go on."""
    while True:
        try:
            answer = _ask(address, hello, deadline)
        except socket.gaierror as error:
            raise UsageError(_no_answer(address, f"{error.strerror}")) from error
        except OSError as error:
            if deadline.passed():
                raise UsageError(_no_answer(address, str(error))) from error
            time.sleep(_AT_A_TIME)
            continue
        if answer == _GO:
            return
        raise UsageError(f"process 0 does not let this one join: {answer}.")


def _ask(address: tuple[str, int], hello: str, deadline: Deadline) -> str:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(hello.encode())
        connection.settimeout(_AT_A_TIME)
        while not deadline.passed():
            with contextlib.suppress(TimeoutError):
                if answer := connection.recv(256).decode(errors="replace"):
                    return answer
                raise ConnectionError("it closed the connection")
        raise ConnectionError("not all processes have come")


def _no_answer(address: tuple[str, int], reason: str) -> str:
    return (
        f"process 0 does not answer at {address[0]}:{address[1]} ({reason}): start it, correct "
        "--coordinator, or give more seconds by --wait."
    )
