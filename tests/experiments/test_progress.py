"""Ctrl-C and SIGTERM end the work where they do no harm; without a terminal there are lines."""

import io
import os
import signal

import pytest
from rich.console import Console

from experiments.common.progress import Progress, minutely
from experiments.common.signals import Terminated


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_work_at_the_next_step_of_a_bar():
    before = signal.getsignal(signal.SIGINT)
    with Progress() as progress:
        update = progress.bar("epochs", 3)
        update(1)
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            update(2)
        progress._interrupted = False
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_it_at_once():
    def press_twice() -> None:
        with Progress():
            press_ctrl_c()
            press_ctrl_c()
            pytest.fail("went on")

    with pytest.raises(KeyboardInterrupt):
        press_twice()


def test_work_without_bars_is_interrupted_at_its_end():
    def press_once() -> None:
        with Progress():
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        press_once()


def test_sigterm_ends_the_work_like_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with Progress() as progress:
        update = progress.bar("epochs", 3)
        assert not progress.interrupted
        os.kill(os.getpid(), signal.SIGTERM)
        assert progress.interrupted
        with pytest.raises(Terminated):
            update(2)
        progress._interrupted = False
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_line_a_minute_with_rate_and_time_left(capsys):
    seconds = iter([0.0, 30.0, 59.0, 90.0, 100.0, 150.0, 211.0])
    show = minutely("runs", 1000, clock=lambda: next(seconds))
    for done in (100, 150, 220, 230, 340, 341):
        show(done)
    assert capsys.readouterr().err.splitlines() == [
        "runs: 220 of 1000, 2 a second, 6 min left",
        "runs: 340 of 1000, 2 a second, 6 min left",
        "runs: 341 of 1000, 1.33 a second, 8 min left",
    ]


def test_lines_are_for_where_there_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr("experiments.common.progress.LINE_INTERVAL", 0)
    for quiet in (False, True):
        with Progress(quiet=quiet) as progress:
            progress.bar("runs", 2)(1)
        assert capsys.readouterr().err == ("" if quiet else "runs: 1 of 2\n")
    with Progress(Console(force_terminal=True, file=io.StringIO())) as progress:
        progress.bar("runs", 2)(1)
    assert capsys.readouterr().err == ""
