"""Processes that draw the figures while the next task trains."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from experiments.report.drawing import Drawing, draw
from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROCESSES = 2
Save = Callable[["Figure", Path, str], Future[Drawing]]
"""Function that has a figure saved under a name in a folder, and drawn for the page."""


@contextmanager
def drawing_processes() -> Iterator[Save]:
    """Yields a function that has other processes run `save_and_draw`; waits for all figures."""
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that JAX holds
    with ProcessPoolExecutor(PROCESSES, context, _end_with_parent) as pool:
        yield partial(pool.submit, save_and_draw)


def save_and_draw(figure: Figure, folder: Path, name: str) -> Drawing:
    """Writes a figure to a folder, and draws it for the page."""
    with plotting.style():
        plotting.save(figure, folder, name)
        return draw(figure, name)


def _end_with_parent() -> None:
    """Leaves Ctrl-C to the parent, which waits for the figures; ends if the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
