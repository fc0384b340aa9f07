"""The captions of task 3, and what its numbers mean."""

import numpy as np

from experiments.common.captions import Caption, Numbers, shown
from experiments.common.words import listed
from experiments.task3_softmax.metrics import Task3Metrics, by_selection

MEANING = (
    "The same weights are judged by two validation sets, and the difference between the two "
    "accuracies comes from the choice of the images alone. The last images of the test set are "
    "easier than the rest, so sequential validation overstates the accuracy."
)


def loss_numbers(metrics: Task3Metrics) -> Numbers:
    """The last and the lowest validation loss of each set."""
    return {
        f"{name} validation loss at the end": shown(
            run["final"].get("validation_loss"),
            f"{{:.3f}} nats (lowest: {run['lowest_validation_loss']['validation_loss']:.3f})",
        )
        for name, run in by_selection(metrics).items()
    }


def accuracy_numbers(metrics: Task3Metrics) -> Numbers:
    """The last accuracies."""
    finals = {name: run["final"] for name, run in by_selection(metrics).items()}
    train = next(iter(finals.values())).get("train_accuracy")
    validation = {
        f"{name} validation": shown(final.get("validation_accuracy"), "{:.1%}")
        for name, final in finals.items()
    }
    return {"training accuracy at the end": shown(train, "{:.1%}"), **validation}


def share_numbers(metrics: Task3Metrics) -> Numbers:
    """The rarest and the most frequent digit of each set."""
    shares = {
        name: np.asarray(run["class_distribution_percent"], float)
        for name, run in by_selection(metrics).items()
    }
    return {
        f"{name} set": f"{share.min():.2f}% (digit {share.argmin()}) to {share.max():.2f}% "
        f"(digit {share.argmax()})"
        for name, share in shares.items()
    }


def order_numbers(metrics: Task3Metrics) -> Numbers:
    """The accuracy of each tenth of the test set."""
    tenths = np.asarray(metrics["test_set"]["accuracy_by_thousand"], float)
    return {"accuracy by tenth of the test set": listed(f"{tenth:.1%}" for tenth in tenths)}


def selection_numbers(metrics: Task3Metrics) -> Numbers:
    """The sequential validation set among random ones."""
    test = metrics["test_set"]
    draws, size = test["random_selections"], test["selection_size"]
    above = test["sequential_standard_deviations_above_mean"]
    return {
        f"{draws['count']} random selections of {size} test images": f"{draws['minimum']:.1%} to "
        f"{draws['maximum']:.1%}, on average {draws['mean']:.1%}",
        f"the last {size}": f"{test['sequential_accuracy']:.1%}",
        "standard deviations above the mean": shown(above, "{:.1f}"),
    }


CAPTIONS = {
    "3b_loss": Caption(
        title="3b: loss, by validation set",
        shows="Training and validation loss over the steps, a panel for each validation set.",
        numbers=loss_numbers,
        meaning="The validation loss ends near its lowest value: it has not begun to rise.",
    ),
    "3c_accuracy": Caption(
        title="3c: accuracy, by validation set",
        shows="Training and validation accuracy over the steps, a panel for each validation set.",
        numbers=accuracy_numbers,
        meaning="Validation ends above training on the sequential set and below it on the "
        "stochastic set.",
    ),
    "3d_class_shares": Caption(
        title="3d: class shares",
        shows="Bars of the share of each digit in the validation set.",
        numbers=share_numbers,
        meaning="The sequential set is no less evenly mixed than the stochastic one: the mix of "
        "classes does not explain the difference.",
    ),
    "3d_file_order": Caption(
        title="3d: accuracy along the test set",
        shows="Accuracy over the position in the test set, in file order. The shaded end is the "
        "sequential validation set.",
        numbers=order_numbers,
        meaning="The second half of the file is easier than the first, and the easiest tenth lies "
        "within the sequential validation set.",
    ),
    "3d_selections": Caption(
        title="3d: among random selections",
        shows="Histogram of the accuracy on random selections of test images. A dashed line marks "
        "the last images of the test set.",
        numbers=selection_numbers,
        meaning="The last images are not a typical sample; chance cannot explain the gap.",
    ),
}
