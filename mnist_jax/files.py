"""Files that are written whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_jax.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that takes a file's place when it is complete, and never before.

    Args:
        path: Where the file is to stand; its folder exists.

    Yields:
        The temporary file, in the same folder.

    Raises:
        UsageError: If the file can't be written, for example because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.close(create(temporary))
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or a power failure leaves an empty file under the name
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}. Make room, or name another "
            "folder (--output-dir); files that were written before are kept."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # as where there is no such folder
            temporary.unlink()


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with ``~`` and ``~name`` replaced by the home folder, as a shell does it.

    Raises:
        UsageError: If there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{str(path)!r} names no folder: {error}. Write it out.") from error


def create(path: Path) -> int:
    """Creates a file that does not exist yet; a link of that name is not followed.

    Args:
        path: The file.

    Returns:
        Its descriptor, for writing.

    Raises:
        OSError: If something of that name exists, or the file can't be created.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
