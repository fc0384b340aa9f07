"""Atomic writing of files."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_jax.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file in the same folder, which replaces a file when it is complete.

    Args:
        path: File in an existing folder.

    Raises:
        UsageError: If the file cannot be written, for example because the disk is full.
    """
    try:
        with written_first(
            path.with_name(f".{path.name}.{secrets.token_hex(4)}"), path
        ) as temporary:
            yield temporary
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}. Make room, or name another "
            "folder (--output-dir); files that were written before are kept."
        ) from error


@contextmanager
def written_first(temporary: Path, path: Path) -> Iterator[Path]:
    """Yields a new temporary file, which replaces a file when it is complete.

    Args:
        temporary: Name of the temporary file, in the same folder; no file has it.
        path: File to replace.

    Raises:
        OSError: If a file cannot be written.
    """
    # without following a link
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(temporary, flags, 0o666))
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # otherwise a power failure leaves an empty file
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # for example if the folder does not exist
            temporary.unlink()


def expanded(path: str | os.PathLike[str]) -> Path:
    """Replaces ``~`` and ``~name`` by the home folder, as a shell does.

    Raises:
        UsageError: If the user does not exist.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{str(path)!r} names no folder: {error}. Write it out.") from error
