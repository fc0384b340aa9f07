"""The width that is handed to what draws help texts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

NARROWEST = 40
"""Columns. In fewer than its frames take, tyro 1.0 wraps a text into empty lines without end."""


@contextmanager
def bounded_width() -> Iterator[None]:
    """Within it, the terminal is taken to be at least `NARROWEST` columns wide."""
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    with mock.patch.dict(os.environ, COLUMNS=str(width)):
        yield
