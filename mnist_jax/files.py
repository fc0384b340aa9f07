"""Files that are written whole or not at all."""

import os
import tempfile
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
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)  # mkstemp's own is for the owner only
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}. Make room, or name another "
            "folder (--output-dir); files that were written before are kept."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
