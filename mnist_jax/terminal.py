"""Width of the terminal for help texts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

MIN_COLUMNS = 40
"""Smallest number of columns; with fewer than its frames need, tyro 1.0 does not terminate."""


@contextmanager
def bounded_width() -> Iterator[None]:
    """Sets the width of the terminal to at least `MIN_COLUMNS` columns."""
    width = max(MIN_COLUMNS, shutil.get_terminal_size().columns)
    with mock.patch.dict(os.environ, COLUMNS=str(width)):
        yield
