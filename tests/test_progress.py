"""Ctrl-C ends the work where it does no harm."""

import os
import signal

import pytest

from experiments.progress import Progress


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
