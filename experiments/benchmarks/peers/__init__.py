"""The benchmark task as users of other libraries write it.

Each module has a function `prepare`, which converts the data once and returns a function that
trains from the beginning.
"""

from experiments.benchmarks.work import Trained, Work

OURS = "mnist_jax"


def prepare_all(work: Work) -> tuple[dict[str, Trained], dict[str, str]]:
    """Prepares the work in each library; returns it and the reasons for those left out, by name."""
    from experiments.benchmarks.peers import called_jax, library, numpy_loop, pytorch, scanned_jax

    prepared = {
        OURS: library.prepare(work),
        "JAX, scanned epoch": scanned_jax.prepare(work),
        "JAX, step from Python": called_jax.prepare(work),
        "NumPy, float32": numpy_loop.prepare(work, tuned=True),
        "NumPy, as the course has it": numpy_loop.prepare(work),
        "PyTorch, DataLoader": pytorch.prepare(work, loader=True),
        "PyTorch, indexing": pytorch.prepare(work),
    }
    without = pytorch.why_not_compiled()
    if not without:
        prepared["PyTorch, compiled"] = pytorch.prepare(work, compiled=True)
    return prepared, {"PyTorch, compiled": without} if without else {}
