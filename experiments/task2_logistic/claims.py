"""The claims of task 2, with the words for what was measured: early stopping, and spikes."""

import numpy as np

from experiments import reported
from experiments.common.claims import DATA, Condition, Limit, Measured, claim, limited
from experiments.task2_logistic.metrics import Task2Metrics

IN_FILE_ORDER = {"shuffle": False}
AT_STOP = ("unshuffled/stop_step", "unshuffled/at_stop", "unshuffled/final")
EVERY_STEP = "unshuffled/spikes_every_step"
LOGISTIC = (*DATA, "digits", "validation_selection", "learning_rate", "l2")

# the thresholds of the verdicts
SAME_STEP = Limit(
    "<=",
    0,
    "a run in file order has no randomness: the report's criterion stops at the report's step",
)
IN_RANGE = Limit(
    ">=", 0.95, "the report saw some runs only; of many, a few stop outside any range seen so"
)
GAIN = Limit(">", 0, "a criterion that stops too early gives accuracy away, however little")
NEAR = Limit("<=", 200, "a third of the step: 400 to 800 all pass as near 600")
SAME_COUNT = Limit("<=", 0, "spikes are counted")
EVERY_EPOCH = Limit(">=", 1, "the report says every epoch")
AT_START = Limit(">", 0.5, "where the spikes are is where most of them are")
NONE_LEFT = Limit("<", 0.5, "the median of whole numbers is then 0")
FEW_LEFT = Limit("<=", 0.2, "a shuffled run can have a spike by chance, but not one for each")
SHALLOW = Limit("<=", 0.5, "what is left by chance is plainly smaller than what was there")


@claim(
    reported.SCHEDULE,
    needs=(*DATA, "digits"),
    evidence="metrics.json",
    about="This is arithmetic, and a test of the data: another selection of images, or digits "
    "selected before the first 18,000 are taken, gives another number of steps.",
    numbers=("train_examples", "validation_examples", "steps_per_epoch", "evaluate_every"),
    alone={"shuffle": False, "epochs": 1},
)
def schedule(task: Task2Metrics) -> Measured:
    """Row 1 of task 2."""
    steps, every = task["steps_per_epoch"], task["evaluate_every"]
    own_steps, own_every = reported.STEPS_PER_EPOCH, reported.EVALUATE_EVERY
    return Measured(
        f"{task['train_examples']} images make {steps} steps, evaluated every {every}",
        (
            Condition(f"{own_steps} steps an epoch", steps == own_steps),
            Condition(f"evaluated every {own_every} steps", every == own_every),
        ),
    )


@claim(
    reported.STOPS,
    needs=LOGISTIC,
    evidence="2b_loss.png",
    about="The report does not define its criterion, so two were tried: lag and patience. A run in "
    "file order from zero weights has no randomness, so a criterion either gives the report's "
    "number or is not the report's. The two are easily confused: both are “no improvement "
    "over ten evaluations”. Lag looks at two losses only, and one that is low by chance ten "
    "evaluations back is enough to stop.",
    numbers=AT_STOP,
    alone=IN_FILE_ORDER,
)
def stopping_step(task: Task2Metrics) -> Measured:
    """2d, in file order."""
    run, step = task["unshuffled"], reported.STOPPING_STEP
    stops, final = run["stop_step"], run["final"]["step"]
    named = ", ".join(
        f"{name} stops at step {stop}" if stop is not None else f"{name} not by step {final}"
        for name, stop in stops.items()
    )
    # a run that ends before that step says nothing of it
    if final < step and None in stops.values():
        return Measured(named)
    off = min((abs(stop - step) for stop in stops.values() if stop is not None), default=np.inf)
    stopped = limited(f"one of the criteria stops at step {step}", off, SAME_STEP)
    return Measured(named, (stopped,))


@claim(
    reported.STOPS_SHUFFLED,
    needs=(*LOGISTIC, "epochs", "shuffle", "lag_seeds"),
    evidence="2d_stopping.png",
    about="The report shuffled and saw a range; how many runs it saw is not said. So the criterion "
    "is run with many orders. Extremes grow with the number of runs, so a range seen over a few "
    "runs need not contain all of them. The check asks that it contain nearly all.",
    numbers=("shuffled/stop_steps/lag",),
    alone={"patience_seeds": 1, "curve_seeds": 1},
)
def stopping_range(task: Task2Metrics) -> Measured:
    """2d, shuffled."""
    low, high = reported.STOPPING_RANGE
    lag = task["shuffled"]["stop_steps"]["lag"]
    if not lag["stopped"]:
        return Measured("no run was stopped", (Condition("runs are stopped", holds=False),))
    share, quantiles = lag["share_within_65_to_195"], lag["quantiles"]
    return Measured(
        f"{lag['stopped']} of {lag['seeds']} runs are stopped, {share:.1%} of all in the range; "
        f"they stop at {lag['minimum']} to {lag['maximum']}, 5th to 95th "
        f"percentile {quantiles['0.05']:.0f} to {quantiles['0.95']:.0f}",
        (limited(f"at least 95 % of the runs stop within [{low}, {high}]", share, IN_RANGE),),
    )


@claim(
    reported.SENSITIVITY,
    needs=(*LOGISTIC, "epochs"),
    evidence="2b_loss.png",
    about="The claim has two halves, and a check for each. That the criterion is sensitive shows "
    "in what the run still gains after the stop. Where overfitting starts is read off the "
    "validation loss, at its lowest point. On a plot, a curve that flattens can look as if it had "
    "turned already.",
    numbers=(*AT_STOP, "unshuffled/lowest_validation_loss"),
    alone=IN_FILE_ORDER,
)
def sensitivity(task: Task2Metrics) -> Measured:
    """2d, the criterion and where overfitting starts."""
    run, start = task["unshuffled"], reported.OVERFITTING_STEP
    at_stop, final, lowest = run["at_stop"]["lag"], run["final"], run["lowest_validation_loss"]
    if at_stop is None:
        return Measured("lag does not stop", (Condition("lag stops the run", holds=False),))
    return Measured(
        f"validation accuracy {at_stop['validation_accuracy']:.1%} at the stop, "
        f"{final['validation_accuracy']:.1%} at the end; the validation loss is lowest "
        f"at step {lowest['step']}",
        (
            limited(
                "the validation accuracy improves after the stop",
                final["validation_accuracy"] - at_stop["validation_accuracy"],
                GAIN,
            ),
            limited(
                f"the validation loss is lowest within {NEAR.number:g} steps of step {start}",
                abs(lowest["step"] - start),
                NEAR,
            ),
        ),
    )


@claim(
    reported.SPIKE_COUNT,
    needs=(*LOGISTIC, "epochs"),
    evidence="2e_spike_position.png",
    about="Evaluated after every step, one can see what the report could only infer: whether there "
    "is a spike in every epoch, of which an evaluation every "
    f"{reported.EVALUATE_EVERY} steps shows only some.",
    numbers=("unshuffled/epochs", "unshuffled/spikes", EVERY_STEP),
    alone=IN_FILE_ORDER,
)
def spike_count(task: Task2Metrics) -> Measured:
    """2e, how many spikes there are."""
    run = task["unshuffled"]
    every_epoch = set(range(1, run["epochs"]))
    seen = set(np.asarray(run["spikes_every_step"]["epochs"]).tolist())
    return Measured(
        f"{run['spikes']['count']} spikes after the first epoch; evaluated after every step, "
        f"{len(seen & every_epoch)} of the {len(every_epoch)} epochs from the second on have at "
        f"least one ({run['spikes_every_step']['count']} spikes in all)",
        (
            limited(
                f"{reported.SPIKES} spikes are seen",
                abs(run["spikes"]["count"] - reported.SPIKES),
                SAME_COUNT,
            ),
            limited(
                "every epoch from the second on has at least one",
                len(seen & every_epoch) / max(1, len(every_epoch)),
                EVERY_EPOCH,
            ),
        ),
    )


@claim(
    reported.SPIKE_PLACE,
    needs=(*LOGISTIC, "epochs"),
    evidence="2e_spike_position.png",
    about="The report argues that evaluations come to the first batch of an epoch only once in "
    "several epochs, so that most of the spikes go unseen. That is right, but it holds for any "
    "other batch as well: evaluations follow the global step, so they return to the same batch of "
    f"an epoch of {reported.STEPS_PER_EPOCH} steps only after several epochs. The number of "
    "visible spikes does not reveal where they are. Evaluating after every step does.",
    numbers=("steps_per_epoch", f"{EVERY_STEP}/batches", f"{EVERY_STEP}/depths"),
    alone=IN_FILE_ORDER,
)
def spike_place(task: Task2Metrics) -> Measured:
    """2e, where in the epoch the spikes are."""
    batches = np.asarray(task["unshuffled"]["spikes_every_step"]["batches"])
    if not len(batches):
        return Measured("there are no spikes")
    usual = np.bincount(batches).argmax()
    return Measured(
        f"{np.sum(batches == usual)} of {len(batches)} sit at batch {usual} of "
        f"{task['steps_per_epoch']}, counted from 0",
        (limited("most sit in the first three batches", float(np.mean(batches < 3)), AT_START),),
    )


@claim(
    reported.SHUFFLING,
    needs=(*LOGISTIC, "epochs", "shuffle", "curve_seeds"),
    evidence="2e_shuffling.png",
    about="In file order the same batch comes in the same place each time; shuffled, its images "
    "are spread over the epoch. A spike is counted from two points of accuracy, so a run can have "
    "one by chance too. The checks ask how many remain, and how deep they are.",
    numbers=("unshuffled/spikes/count", "unshuffled/spikes/depths", "shuffled/spikes"),
    alone={"lag_seeds": 1, "patience_seeds": 1},
)
def shuffling(task: Task2Metrics) -> Measured:
    """2e, what shuffling does to the spikes."""
    before, after = task["unshuffled"]["spikes"], task["shuffled"]["spikes"]
    if not before["count"]:
        return Measured("there are no spikes in file order")
    deepest = float(np.max(before["depths"]))
    return Measured(
        f"{before['count']} spikes of up to {100 * deepest:.1f} points in file order; shuffled, "
        f"{after['mean_count']:.2f} a run (mean of {after['seeds']}, median "
        f"{after['median_count']:.0f}), the deepest "
        f"{100 * after['mean_greatest_depth']:.1f} points on average",
        (
            limited("most shuffled runs have none left", after["median_count"], NONE_LEFT),
            limited(
                "at most a fifth as many spikes remain",
                after["mean_count"] / before["count"],
                FEW_LEFT,
            ),
            limited(
                "the deepest that remain are at most half as deep",
                after["mean_greatest_depth"] / deepest,
                SHALLOW,
            ),
        ),
    )


CLAIMS = (schedule, stopping_step, stopping_range, sensitivity, spike_count, spike_place, shuffling)
