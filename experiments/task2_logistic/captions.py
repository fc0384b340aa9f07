"""The captions of task 2, and what its numbers mean."""

import numpy as np

from experiments import reported
from experiments.common.captions import Caption, Numbers, shown
from experiments.task2_logistic.metrics import StopMetrics, Task2Metrics, stop_text
from experiments.task2_logistic.spikes import PROMINENCE, Spikes

MEANING = (
    "The model classifies the validation images slightly better than the training images: they "
    "are the easier ones. Both stopping criteria look back ten evaluations, but the report's, lag, "
    "ends the run many times earlier than the usual one, patience, while the validation loss is "
    "still far above its lowest value."
)


def loss_numbers(metrics: Task2Metrics) -> Numbers:
    """The lowest and the last validation loss, and where each criterion stops."""
    run = metrics["unshuffled"]
    lowest = run["lowest_validation_loss"]
    stops = {f"{name} stops at": shown(s, "step {}") for name, s in run["stop_step"].items()}
    return {
        "lowest validation loss": shown(
            lowest["validation_loss"], f"{{:.4f}} nats at step {lowest['step']}"
        ),
        "at the end": shown(run["final"].get("validation_loss"), "{:.4f} nats"),
        **stops,
    }


def accuracy_numbers(metrics: Task2Metrics) -> Numbers:
    """The last accuracies, and the spikes."""
    run, images = metrics["unshuffled"], metrics["validation_examples"]
    return {
        "training accuracy at the end": shown(run["final"].get("train_accuracy"), "{:.1%}"),
        "validation accuracy at the end": shown(run["final"].get("validation_accuracy"), "{:.1%}"),
        **spike_numbers(run["spikes"]),
        "least depth that counts as a spike": f"{100 * PROMINENCE:g} points "
        f"({int(np.ceil(PROMINENCE * images))} of {images} validation images)",
    }


def spike_numbers(spikes: Spikes) -> dict[str, str | None]:
    """How many spikes there are, and how deep they are."""
    deepest = float(np.max(spikes["depths"])) if spikes["count"] else None
    return {
        "spikes after the first epoch": str(spikes["count"]),
        "deepest spike": shown(deepest and 100 * deepest, "{:.1f} points"),
    }


def stopping_numbers(metrics: Task2Metrics) -> Numbers:
    """The distribution of each criterion's stopping steps."""

    def text(stops: StopMetrics) -> str:
        return f"{stop_text(stops)}, of {stops['seeds']} runs"

    found = metrics["shuffled"]["stop_steps"]
    return {f"by {name}": text(stops) for name, stops in found.items()}


def position_numbers(metrics: Task2Metrics) -> Numbers:
    """The spikes, and the batch at which most of them are."""
    spikes = metrics["unshuffled"]["spikes_every_step"]
    batches = np.bincount(np.asarray(spikes["batches"], int))
    steps = metrics["steps_per_epoch"]
    most = (
        f"{batches.max()}, at batch {batches.argmax()} of {steps} (counted from 0)"
        if len(batches)
        else None
    )
    return {**spike_numbers(spikes), "most spikes in one place": most}


def shuffling_numbers(metrics: Task2Metrics) -> Numbers:
    """The spikes and the last accuracies with and without shuffling."""
    before, after = metrics["unshuffled"], metrics["shuffled"]
    ends = np.asarray(after["final_validation_accuracy"], float)
    spikes = after["spikes"]
    in_order = spike_numbers(before["spikes"])
    return {
        **{f"{name}, in file order": value for name, value in in_order.items()},
        f"mean number of spikes in {spikes['seeds']} shuffled runs": f"{spikes['mean_count']:.1f}, "
        f"at most {spikes['maximum_count']}",
        "mean depth of their deepest": f"{100 * spikes['mean_greatest_depth']:.1f} points",
        "validation accuracy at the end, in file order": shown(
            before["final"].get("validation_accuracy"), "{:.1%}"
        ),
        "shuffled": shown(float(ends.min()), f"{{:.1%}} to {ends.max():.1%}"),
    }


CAPTIONS = {
    "2b_loss": Caption(
        title="2b: loss, batches in file order",
        shows="Training and validation loss over the steps. Dashed lines mark where each stopping "
        "criterion ends the run.",
        numbers=loss_numbers,
        meaning="The validation loss reaches its minimum late and hardly rises again: there is "
        "almost no overfitting.",
    ),
    "2c_accuracy": Caption(
        title="2c: accuracy, batches in file order",
        shows="Training and validation accuracy over the steps. The validation curve drops briefly "
        "now and then.",
        numbers=accuracy_numbers,
        meaning="The brief drops of the validation accuracy are spikes, not noise: each is many "
        "images deep.",
    ),
    "2d_stopping": Caption(
        title="2d: the step at which shuffled runs stop",
        shows="Histograms of the step at which training stops, one for each criterion. The shaded "
        f"range is the report's, {reported.STOPPING_RANGE[0]} to {reported.STOPPING_RANGE[1]}.",
        numbers=stopping_numbers,
        meaning="The runs of a criterion differ only in the order of their batches. The two "
        "stopping ranges barely overlap.",
    ),
    "2e_spike_position": Caption(
        title="2e: the spikes, evaluated after every step",
        shows="Validation accuracy over the steps and, in a second panel, over the batches of an "
        "epoch.",
        numbers=position_numbers,
        meaning="An evaluation every fifth step samples each batch position only every fifth "
        "epoch and misses the spikes in between. Most spikes follow one batch late in the epoch: "
        "its images cause them, not the change of epoch.",
    ),
    "2e_shuffling": Caption(
        title="2e: with and without shuffling",
        shows="Validation accuracy over the steps in file order, and the median and the 90 % band "
        "of the shuffled runs.",
        numbers=shuffling_numbers,
        meaning="With shuffling the spikes are few and shallow. At the end, the order of the "
        "batches no longer affects the accuracy.",
    ),
}
