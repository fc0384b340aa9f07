"""The same work as the users of other libraries write it.

Each module has a `prepare`: it takes the work, does what is done once (conversions, compilation of
nothing yet), and returns a function that trains from the beginning.
"""

from experiments.benchmarks.work import Trained, Work

OURS = "mnist_jax"


def prepare_all(work: Work) -> tuple[dict[str, Trained], dict[str, str]]:
    """The work in each library, and by name the reason why one is left out.

    Args:
        work: To be done.

    Returns:
        Both.
    """
    from experiments.benchmarks.peers import (
        called_jax,
        library,
        numpy_loop,
        numpy_single,
        pytorch,
        scanned_jax,
    )

    prepared = {
        OURS: library.prepare(work),
        "JAX, scanned epoch": scanned_jax.prepare(work),
        "JAX, step from Python": called_jax.prepare(work),
        "NumPy, float32": numpy_single.prepare(work),
        "NumPy, as the course has it": numpy_loop.prepare(work),
        "PyTorch, DataLoader": pytorch.prepare(work, loader=True),
        "PyTorch, indexing": pytorch.prepare(work),
    }
    without = pytorch.why_not_compiled()
    if not without:
        prepared["PyTorch, compiled"] = pytorch.prepare(work, compiled=True)
    return prepared, {"PyTorch, compiled": without} if without else {}
