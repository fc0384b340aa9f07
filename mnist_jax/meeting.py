"""Rendezvous of processes before JAX joins them.

JAX's runtime waits five minutes for a missing process, without output or reaction to signals, and
then aborts the interpreter. This rendezvous ends the wait with a message.
"""

import contextlib
import socket
import time
from collections.abc import Callable

from mnist_jax.errors import UsageError

_REPORT_AFTER = 2.0
"""Seconds after which a line reports the wait."""
_TIMEOUT = 0.5
_HELLO = "mnist_jax"
_GO = "go"


class Deadline:
    """A time limit, which reports a long wait in one line."""

    def __init__(self, seconds: float, waiting_for: str, report: Callable[[str], None]) -> None:
        self._start, self._seconds = time.monotonic(), seconds
        self._line = f"{waiting_for}, for {seconds:g} seconds at most"
        self._report: Callable[[str], None] | None = report

    def passed(self) -> bool:
        """Returns whether the time limit has passed."""
        elapsed = time.monotonic() - self._start
        if self._report and elapsed > _REPORT_AFTER:
            self._report(self._line)
            self._report = None
        return elapsed >= self._seconds


def meet(
    coordinator: str, count: int, process: int, seconds: float, report: Callable[[str], None]
) -> None:
    """Waits until all processes have arrived.

    Args:
        coordinator: Address and port of process 0, which JAX uses afterwards.
        count: Number of processes.
        process: Number of this process, from 0.
        seconds: Time limit in seconds.
        report: Function that takes a line about a long wait.

    Raises:
        UsageError: If a process does not arrive, or the processes have contradictory arguments.
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
        _await_answer((host.strip("[]"), int(port)), f"{_HELLO} {process} {count}", deadline)


def _gather(port: int, count: int, deadline: Deadline) -> None:
    """Waits in process 0 for all others, and then lets them continue."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listen(port))
        server.settimeout(_TIMEOUT)
        present: dict[int, socket.socket] = {}
        while len(present) < count - 1:
            if deadline.passed():
                missing = ", ".join(str(n) for n in range(1, count) if n not in present)
                raise UsageError(
                    f"process {missing} of {count} did not arrive: start each with the same "
                    "--coordinator and --num-processes and its own --process, or give more "
                    "seconds by --wait."
                )
            with contextlib.suppress(OSError):  # no process yet, or disconnected
                guest = stack.enter_context(server.accept()[0])
                guest.settimeout(_TIMEOUT)
                _admit(guest, guest.recv(64).decode(errors="replace").split(), count, present)
        for guest in present.values():
            guest.sendall(_GO.encode())


def _admit(
    guest: socket.socket, hello: list[str], count: int, present: dict[int, socket.socket]
) -> None:
    """Registers a process; ignores other connections, and rejects contradictory arguments."""
    if len(hello) != 3 or hello[0] != _HELLO or not (hello[1] + hello[2]).isdigit():
        return
    number, guest_count = int(hello[1]), int(hello[2])
    if guest_count != count:
        guest.sendall(f"process 0 has --num-processes {count}, not {guest_count}".encode())
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


def _await_answer(address: tuple[str, int], hello: str, deadline: Deadline) -> None:
    """Registers this process with process 0, and waits until it may continue."""
    while True:
        try:
            answer = _ask(address, hello, deadline)
        except socket.gaierror as error:
            raise UsageError(_no_answer(address, f"{error.strerror}")) from error
        except OSError as error:
            if deadline.passed():
                raise UsageError(_no_answer(address, str(error))) from error
            time.sleep(_TIMEOUT)
            continue
        if answer == _GO:
            return
        raise UsageError(f"process 0 does not let this one join: {answer}.")


def _ask(address: tuple[str, int], hello: str, deadline: Deadline) -> str:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(hello.encode())
        connection.settimeout(_TIMEOUT)
        while not deadline.passed():
            with contextlib.suppress(TimeoutError):
                if answer := connection.recv(256).decode(errors="replace"):
                    return answer
                raise ConnectionError("it closed the connection")
        raise ConnectionError("not all processes have arrived")


def _no_answer(address: tuple[str, int], reason: str) -> str:
    return (
        f"process 0 does not answer at {address[0]}:{address[1]} ({reason}): start it, correct "
        "--coordinator, or give more seconds by --wait."
    )
