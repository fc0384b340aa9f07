"""This library: one run, shuffled."""

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work
from mnist_jax.models import softmax
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled


def prepare(work: Work, runs: int = 1) -> Trained:
    """The work in this library.

    Args:
        work: To be done.
        runs: How many runs at once, of as many factors of the penalty, the first of them 0.

    Returns:
        What does it.
    """
    factors = [0.1 * number / runs for number in range(runs)]
    settings = TrainingSettings(epochs=work.epochs, batch_size=work.batch_size)

    def run() -> Final:
        result = fit(
            softmax,
            work.split,
            hyperparameters(LEARNING_RATE, factors),
            settings,
            ordering=shuffled([0]),
        )
        evaluations = result.run(0, 0).history.evaluations
        return Final(*(float(values[-1]) for values in evaluations))

    return run
