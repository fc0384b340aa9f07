"""Fixtures that more than one test module needs."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import hypothesis
import jax
import jaxtyping
import numpy as np
import pytest
from filelock import FileLock
from small_report import SmallReport

# Before the library is imported: from here on, beartype checks the shapes in its types. Not where
# users' own values come in (data, training.settings): what is wrong with those has its own message.
# And not where types have no shapes: it compiles inner functions at each call of the outer one,
# which would make the checker's arithmetic three times as slow.
CHECKED = ["features", "losses", "gradients", "models", "curvature", "derivation"]
GRADCHECK = ["comparison", "differences", "directions", "draws", "mistakes.leaf", "noise", "points"]
CHECKED += [f"gradcheck.{name}" for name in GRADCHECK]
CHECKED += [f"training.{name}" for name in ("history", "loop", "ordering", "step", "stopping")]
jaxtyping.install_import_hook([f"mnist_jax.{name}" for name in CHECKED], "beartype.beartype")

from mnist_jax import plotting  # noqa: E402
from mnist_jax.data import MNIST_FILES, DataError, IdxFile, Mnist, load  # noqa: E402
from mnist_jax.data.files import Contents, encode_idx  # noqa: E402

# no TF32 where a tolerance is derived from the dtype
jax.config.update("jax_default_matmul_precision", "highest")

# the same examples in every run, so that a failure is the code's and can be had again
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Leaves the exhaustive tests out where pytest is given neither files nor a choice of marks."""
    if config.args_source is config.ArgsSource.TESTPATHS and not config.option.markexpr:
        config.option.markexpr = "not exhaustive"


@pytest.fixture(scope="module", autouse=True)
def strict_promotion() -> Iterator[None]:
    """No silent broadcasting or promotion in the tests; documents have JAX's own rules."""
    rules = {"jax_numpy_dtype_promotion": "strict", "jax_numpy_rank_promotion": "raise"}
    before = {name: getattr(jax.config, name) for name in rules}
    for name, rule in rules.items():
        jax.config.update(name, rule)
    yield
    for name, rule in before.items():
        jax.config.update(name, rule)


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """Compiles without optimizations, for tests of words and verdicts that compile much."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def promotion() -> Iterator[None]:
    """Promotes dtypes and ranks as JAX does for its users, which other tests forbid."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """Real MNIST, loaded as the product loads it."""
    try:
        return load()
    except DataError as error:
        pytest.skip(str(error))


def touch_figure(figure: object, folder: Path, name: str) -> None:
    """Leaves the files of a figure empty."""
    for ending in ("png", "svg"):
        (folder / f"{name}.{ending}").touch()


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renders no figure, for tests that look at other files: the files of figures are empty."""
    monkeypatch.setattr(plotting, "save", touch_figure)


@contextlib.contextmanager
def draw_here() -> Iterator[Callable[..., Future[Any]]]:
    """Stands in for `drawing_processes`, whose processes know nothing of changed functions."""
    from experiments.report.processes import save_and_draw

    def save(*figure: Any) -> Future[Any]:
        drawn: Future[Any] = Future()
        drawn.set_result(save_and_draw(*figure))
        return drawn

    yield save


@pytest.fixture(scope="session")
def small_report(
    mnist: Mnist, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> SmallReport:
    """All experiments in a small and short form without shuffling, done once for all workers."""
    import experiments.__main__
    from experiments.__main__ import run_all
    from experiments.task1_gradients import __main__ as task1
    from experiments.task1_gradients import metrics

    del mnist
    place = tmp_path_factory.getbasetemp()
    place = (place if worker_id == "master" else place.parent) / "small_report"
    printed = place / "printed.txt"
    flags = ["--train-size", "900", "--validation-size", "300", "--epochs", "2", "--no-shuffle"]
    with FileLock(f"{place}.lock"):
        if not printed.exists():
            place.mkdir(exist_ok=True)
            written = place / "unfinished.txt"
            with (
                written.open("w", encoding="utf-8") as file,
                contextlib.redirect_stdout(file),
                pytest.MonkeyPatch.context() as patch,
            ):
                # one batch of two, and few images of it: a check is as long as they are many
                patch.setattr(metrics, "BATCHES", 1)
                patch.setattr(task1, "batches", lambda case, size: metrics.batches(case, 4))
                # the page draws each figure, in this process; as files they are empty
                patch.setattr(plotting, "save", touch_figure)
                patch.setattr(experiments.__main__, "drawing_processes", draw_here)
                assert run_all([*flags, "--quick", "--output-dir", str(place / "results")]) == 0
            written.rename(printed)
    return SmallReport(place / "results", printed.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def small_contents() -> Contents:
    """Stand-ins for the four files, with 6 training and 4 test images."""
    rng = np.random.default_rng(0)
    counts = (6, 6, 4, 4)
    shapes = [(n, *file.shape[1:]) for n, file in zip(counts, MNIST_FILES, strict=True)]
    return {
        file.name: encode_idx(rng.integers(0, 10, shape, np.uint8))
        for file, shape in zip(MNIST_FILES, shapes, strict=True)
    }


@pytest.fixture(scope="session")
def small_files(small_contents: Contents) -> tuple[IdxFile, ...]:
    """What the stand-ins must contain."""
    counts = (6, 6, 4, 4)
    return tuple(
        IdxFile(
            file.name,
            (n, *file.shape[1:]),
            hashlib.sha256(small_contents[file.name]).hexdigest(),
        )
        for n, file in zip(counts, MNIST_FILES, strict=True)
    )
