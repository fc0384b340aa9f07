"""The known data sets: MNIST, and others that share its format and file names."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from mnist_jax.data.files import IdxFile

DataSetName = Literal["mnist", "fashion-mnist", "kmnist", "emnist-digits", "unverified"]
"""Name of a data set; `"unverified"` stands for a directory of unknown content."""


class DataSet(NamedTuple):
    """A data set of 28 x 28 images in ten classes."""

    title: str
    files: tuple[IdxFile, ...]
    folder: str  # of torchvision
    prefix: str = ""  # regular expression for text before the name of a file
    builder: str = ""  # class in TensorFlow Datasets, which registers addresses and digests
    archive_sha256: str | None = None  # of the archive with all files


def _files(
    names: str, train: int, test: int, sha256: Sequence[str] = (), archives: Sequence[str] = ()
) -> tuple[IdxFile, ...]:
    """Returns the four files, with their digests or those of their gzipped archives."""
    kinds = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    shapes = ((train, 28, 28), (train,), (test, 28, 28), (test,))
    digests = zip(sha256 or [None] * 4, archives or [None] * 4, strict=True)
    return tuple(
        IdxFile(names.format(kind), shape, *both)
        for kind, shape, both in zip(kinds, shapes, digests, strict=True)
    )


MNIST_FILES = _files(
    *("{}-ubyte", 60_000, 10_000),
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
"""Training images and labels, test images and labels."""

MNIST = DataSet("MNIST", MNIST_FILES, "MNIST", "(emnist-mnist-)?", "MNIST")
FASHION_MNIST_FILES = _files(
    *("{}-ubyte", 60_000, 10_000),
    archives=(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
FASHION_MNIST = DataSet(
    "Fashion-MNIST", FASHION_MNIST_FILES, "FashionMNIST", builder="FashionMNIST"
)
KMNIST_FILES = _files(
    *("{}-ubyte", 60_000, 10_000),
    archives=(
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
)
KMNIST = DataSet("KMNIST", KMNIST_FILES, "KMNIST", builder="KMNIST")
EMNIST_DIGITS = DataSet(
    "EMNIST digits",
    _files("emnist-digits-{}-ubyte", 240_000, 40_000),
    folder="EMNIST",
    prefix="emnist-digits-",
    builder="EMNIST",
    archive_sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
)

KNOWN: dict[str, DataSet] = {
    "mnist": MNIST,
    "fashion-mnist": FASHION_MNIST,
    "kmnist": KMNIST,
    "emnist-digits": EMNIST_DIGITS,
}
"""Data sets by their names for `load` and `--data-set`."""
UNVERIFIED = "data of unknown content"


def title(name: str) -> str:
    """Returns the title of a data set, given its name for `load`."""
    return KNOWN[name].title if name in KNOWN else UNVERIFIED


def not_mnist(name: str | None) -> str:
    """Describes data that are not MNIST, given the name for `load`."""
    if name in KNOWN:
        return f"The images are those of {KNOWN[name].title}, verified by their digests."
    return "The content of the directory is unknown; no digest was checked."


def owner(digests: set[str]) -> str | None:
    """Returns the name of the data set that a digest belongs to; None if it is unknown."""
    for name, data_set in KNOWN.items():
        known = {digest for file in data_set.files for digest in file[2:]}
        if digests & (known - {None}):
            return name
    return None
