"""MNIST from a directory that the user names."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from mnist_jax.data.files import Contents, DataError, IdxFile, verify

REMEDY = (
    "Name a directory that holds the four MNIST files, gzipped or not, by data_dir (--data-dir) "
    "or by the environment variable MNIST_JAX_DATA_DIR."
)


def read(folder: Path, files: Sequence[IdxFile]) -> Contents:
    """Reads the files from ``folder``, each gzipped or not.

    Args:
        folder: The directory; the dotted spelling ``train-images.idx3-ubyte`` is welcome too.
        files: The files wanted.

    Returns:
        Their decompressed bytes, verified.

    Raises:
        DataError: The directory or a file is missing, unreadable or not the canonical one.
    """
    try:
        if not folder.is_dir():
            reason = "is not a directory" if folder.exists() else "does not exist"
            raise DataError(f"data directory {folder} {reason}. {REMEDY}")
        paths = [_find(folder, file) for file in files]
    except OSError as error:
        reason = f"cannot be searched ({error.strerror})"
        raise DataError(f"data directory {folder} {reason}. {REMEDY}") from error
    return {file.name: _read_file(path, file) for path, file in zip(paths, files, strict=True)}


def _read_file(path: Path, file: IdxFile) -> bytes:
    try:
        content = path.read_bytes()
        return verify(file, gzip.decompress(content) if path.suffix == ".gz" else content)
    except gzip.BadGzipFile as error:
        reason = f"is not a sound gzip file ({error})"
    except (EOFError, zlib.error) as error:
        reason = f"is truncated or damaged ({error})"
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except DataError as error:
        reason = f"is not the canonical file: {error}"
    raise DataError(f"{path} {reason}. Replace it, or name no directory to have it downloaded.")


def _find(folder: Path, file: IdxFile) -> Path:
    dotted = file.name.replace("-idx", ".idx")
    candidates = [folder / f"{stem}{end}" for stem in (file.name, dotted) for end in ("", ".gz")]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise DataError(f"{folder} holds neither {file.name} nor {file.name}.gz. {REMEDY}")
    return path
