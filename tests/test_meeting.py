"""Rendezvous of processes, with and without success."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from sweep_runs import free_address

from mnist_jax.errors import UsageError
from mnist_jax.meeting import meet


def meeting(address: str, *processes: tuple[int, int], seconds: float = 20.0) -> list[str]:
    """The error of each process (number, count); empty if it may continue."""

    def error_of(number: int, count: int) -> str:
        try:
            meet(address, count, number, seconds, lambda line: None)
        except UsageError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(processes)) as threads:
        return [*threads.map(error_of, *zip(*processes, strict=True))]


def test_processes_meet_in_any_order():
    assert meeting(free_address(), (2, 3), (0, 3), (1, 3)) == ["", "", ""]


def test_a_missing_process_is_reported():
    first, other = meeting(free_address(), (0, 3), (2, 3), seconds=1.5)
    assert "process 1 of 3 did not arrive" in first
    assert "does not answer" in other


def test_contradictory_arguments_are_reported():
    _, error = meeting(free_address(), (0, 2), (1, 3), seconds=2)
    assert "has --num-processes 2, not 3" in error
    errors = meeting(free_address(), (0, 3), (1, 3), (1, 3), seconds=2)
    assert [line for line in errors if "another process 1 already" in line]


def test_a_port_in_use_and_a_name_that_is_unknown_are_one_message():
    with socket.create_server(("", 0)) as taken:
        errors = meeting(f"127.0.0.1:{taken.getsockname()[1]}", (0, 2))
    assert "can't listen at port" in errors[0]
    assert "does not answer at no-such-host.invalid" in meeting("no-such-host.invalid:1", (1, 2))[0]


def test_a_long_wait_is_reported_after_two_seconds():
    lines: list[str] = []
    with pytest.raises(UsageError, match="does not answer"):
        meet(free_address(), 2, 1, 2.6, lines.append)
    assert len(lines) == 1
    assert re.fullmatch(r"waiting for process 0 at \S+, for 2.6 seconds at most", lines[0])
