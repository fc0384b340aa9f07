"""This library: shuffled runs that share their batches."""

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work
from mnist_jax.models import softmax
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled


def prepare(work: Work, runs: int = 1) -> Trained:
    """Prepares the work in this library, for a number of runs with different penalties."""
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
