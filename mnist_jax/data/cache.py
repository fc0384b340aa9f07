"""The four decompressed files, kept by an earlier run.

A file appears under its name only when it is complete, and it is verified whenever it is read, so
neither a killed writer nor a failing disk can pass off wrong data. The lock only saves work: one
process fetches while the others wait.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from mnist_jax.data.files import Contents, DataError, IdxFile, Report, read_bytes, verify
from mnist_jax.files import create, expanded


def default_folder() -> Path:
    """Returns ``MNIST_JAX_CACHE_DIR``, or else where this system keeps a user's caches."""
    named = os.environ.get("MNIST_JAX_CACHE_DIR")
    return expanded(named) if named else platformdirs.user_cache_path("mnist_jax")


def read(folder: Path, files: Sequence[IdxFile]) -> Contents:
    """Reads the files from the cache.

    Args:
        folder: The cache.
        files: The files wanted.

    Returns:
        Their bytes, verified.

    Raises:
        DataError: A file is missing, unreadable or damaged.
    """
    return {file.name: _read_file(folder, file) for file in files}


def write(folder: Path, contents: Contents, report: Report) -> None:
    """Stores the files, or reports in one line why they cannot be stored.

    Args:
        folder: The cache; it is created if need be.
        contents: The files' bytes.
        report: Takes the line.
    """
    try:
        _make(folder)
        for name, content in contents.items():
            _write_file(folder / name, content)
    except OSError as error:
        report(f"cache: the data could not be kept in {folder} ({error.strerror}); using it anyway")
    else:
        report(f"cache: kept the data in {folder}")


@contextlib.contextmanager
def lock(folder: Path, report: Report) -> Iterator[None]:
    """Lets one process at a time fill the cache; without effect where no lock can be had.

    Args:
        folder: The cache; it is created if need be.
        report: Takes a line if another process has to be waited for.

    Yields:
        When the lock is held.
    """
    with contextlib.ExitStack() as stack:
        # Where nothing can be written nothing can be locked; `write` is the one to report it.
        with contextlib.suppress(OSError, NotImplementedError):
            _make(folder)
            stack.enter_context(_acquire(FileLock(folder / ".lock"), report))
        yield


def _make(folder: Path) -> None:
    """Makes the cache, which nobody else may write to."""
    for each in (*reversed(folder.parents), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _acquire(file_lock: FileLock, report: Report) -> contextlib.AbstractContextManager:
    try:
        return file_lock.acquire(timeout=0)
    except Timeout:
        report(f"cache: waiting for the process that holds {file_lock.lock_file}")
        return file_lock.acquire()


def _read_file(folder: Path, file: IdxFile) -> bytes:
    try:
        return verify(file, read_bytes(folder / file.name, file.size))
    except FileNotFoundError:
        raise DataError(f"no {file.name} in {folder}") from None
    except OSError as error:
        raise DataError(f"{folder / file.name} cannot be read ({error.strerror})") from None
    except DataError as error:
        raise DataError(f"damaged data in {folder}: {error}") from None


def _write_file(path: Path, content: bytes) -> None:
    # The fixed name lets the next writer remove what a killed one left behind, or a link of that
    # name, which might lead to a file of the user's.
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(create(partial), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
