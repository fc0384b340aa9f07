"""Cache of the decompressed files of a data set.

A file gets its name only when it is complete, and it is verified whenever it is read, so neither a
killed process nor a failing disk can leave wrong data. The lock only saves work: one process
downloads while the others wait. Where only the digests of the archives are known, the cache stores
those of the decompressed files, computed when the archive was verified.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from mnist_jax.data.files import Contents, DataError, IdxFile, Report, digest, read_file, verify
from mnist_jax.files import expanded, written_first

_DIGESTS = "sha256.json"


def default_folder() -> Path:
    """Returns ``MNIST_JAX_CACHE_DIR``, or the cache folder of the user."""
    named = os.environ.get("MNIST_JAX_CACHE_DIR")
    return expanded(named) if named else platformdirs.user_cache_path("mnist_jax")


def folder_of(data_set: str) -> Path:
    """Returns the cache folder of a data set: for MNIST, the default folder itself."""
    return default_folder() if data_set == "mnist" else default_folder() / data_set


def read(folder: Path, files: Sequence[IdxFile]) -> Contents:
    """Reads and verifies the files; raises a DataError if one is missing or damaged."""
    if any(file.sha256 is None for file in files):
        files = _with_digests(folder, files)
    return {file.name: _read_file(folder, file) for file in files}


def write(folder: Path, files: Sequence[IdxFile], contents: Contents, report: Report) -> None:
    """Stores the files, or reports in one line why they cannot be stored."""
    if any(file.sha256 is None for file in files):
        digests = {name: digest(content) for name, content in contents.items()}
        contents = contents | {_DIGESTS: json.dumps(digests, indent=1).encode()}
    try:
        _make(folder)
        for name, content in contents.items():
            _write_file(folder / name, content)
    except OSError as error:
        report(f"cache: the data cannot be stored in {folder} ({error.strerror}); continuing")
    else:
        report(f"cache: stored the data in {folder}")


@contextlib.contextmanager
def lock(folder: Path, report: Report) -> Iterator[None]:
    """Lets one process at a time fill the cache; has no effect where locking is impossible.

    It reports a line if it has to wait for another process.
    """
    with contextlib.ExitStack() as stack:
        # If the folder is not writable, it cannot be locked; `write` reports that.
        with contextlib.suppress(OSError, NotImplementedError):
            _make(folder)
            stack.enter_context(_acquire(FileLock(folder / ".lock"), report))
        yield


def _make(folder: Path) -> None:
    """Makes the folder and its parents, writable only by the user."""
    for path in (*reversed(folder.parents), folder):
        path.mkdir(mode=0o700, exist_ok=True)


def _acquire(file_lock: FileLock, report: Report) -> contextlib.AbstractContextManager:
    try:
        return file_lock.acquire(timeout=0)
    except Timeout:
        report(f"cache: waiting for the process that holds {file_lock.lock_file}")
        return file_lock.acquire()


def _with_digests(folder: Path, files: Sequence[IdxFile]) -> list[IdxFile]:
    """Returns the files with the digests that the cache stores."""
    try:
        digests = json.loads((folder / _DIGESTS).read_bytes())
    except FileNotFoundError:
        raise DataError(f"no {files[0].name} in {folder}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / _DIGESTS} cannot be read ({error})") from None
    return [file._replace(sha256=digests.get(file.name, "")) for file in files]


def _read_file(folder: Path, file: IdxFile) -> bytes:
    path = folder / file.name
    if not path.exists():
        raise DataError(f"no {file.name} in {folder}")
    try:
        _, content = read_file(path, file.size)
    except DataError as error:
        raise DataError(f"{path} {error}") from None
    try:
        return verify(file, content)
    except DataError as error:
        raise DataError(f"damaged data in {folder}: {error}") from None


def _write_file(path: Path, content: bytes) -> None:
    # The fixed name lets the next process remove the file of a killed one, or a link of that name,
    # which might lead to a file of the user's.
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with written_first(partial, path):
        partial.write_bytes(content)
