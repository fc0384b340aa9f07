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
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.close(create(temporary))
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # otherwise a power failure leaves an empty file
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}. Make room, or name another "
            "folder (--output-dir); files that were written before are kept."
        ) from error
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


def create(path: Path) -> int:
    """Creates a new file, without following a link, and returns its descriptor for writing.

    Raises:
        OSError: If the name exists, or the file cannot be created.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
