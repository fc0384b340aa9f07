"""What the fixture `small_report` gives."""

from pathlib import Path
from typing import NamedTuple


class SmallReport(NamedTuple):
    """What `python -m experiments` left and printed."""

    folder: Path
    printed: str
