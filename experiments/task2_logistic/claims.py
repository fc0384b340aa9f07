"""The claims of task 2: early stopping, and spikes that shuffling removes."""

import numpy as np

from experiments import reported
from experiments.common.claims import DATA, Condition, Measured, claim
from experiments.task2_logistic.metrics import Task2Metrics

IN_FILE_ORDER = {"shuffle": False}
AT_STOP = ("unshuffled/stop_step", "unshuffled/at_stop", "unshuffled/final")
EVERY_STEP = "unshuffled/spikes_every_step"
LOGISTIC = (*DATA, "digits", "validation_selection", "learning_rate", "l2")


@claim(
    reported.SCHEDULE,
    needs=(*DATA, "digits"),
    evidence="metrics.json",
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
    stopped = Condition(f"one of the criteria stops at step {step}", step in stops.values())
    return Measured(named, (stopped,))


@claim(
    reported.STOPS_SHUFFLED,
    needs=(*LOGISTIC, "epochs", "shuffle", "lag_seeds"),
    evidence="2d_stopping.png",
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
        (Condition(f"at least 95 % of the runs stop within [{low}, {high}]", share >= 0.95),),
    )


@claim(
    reported.SENSITIVITY,
    needs=(*LOGISTIC, "epochs"),
    evidence="2b_loss.png",
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
            Condition(
                "the validation accuracy improves after the stop",
                final["validation_accuracy"] > at_stop["validation_accuracy"],
            ),
            Condition(
                f"the validation loss is lowest within 200 steps of step {start}",
                abs(lowest["step"] - start) <= 200,
            ),
        ),
    )


@claim(
    reported.SPIKE_COUNT,
    needs=(*LOGISTIC, "epochs"),
    evidence="2e_spike_position.png",
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
            Condition(
                f"{reported.SPIKES} spikes are seen", run["spikes"]["count"] == reported.SPIKES
            ),
            Condition("every epoch from the second on has at least one", seen >= every_epoch),
        ),
    )


@claim(
    reported.SPIKE_PLACE,
    needs=(*LOGISTIC, "epochs"),
    evidence="2e_spike_position.png",
    numbers=("steps_per_epoch", f"{EVERY_STEP}/batches", f"{EVERY_STEP}/depths"),
    alone=IN_FILE_ORDER,
)
def spike_place(task: Task2Metrics) -> Measured:
    """2e, where in the epoch the spikes are."""
    # from the evaluation after every step: one in five sees a batch only in every fifth epoch
    batches = np.asarray(task["unshuffled"]["spikes_every_step"]["batches"])
    if not len(batches):
        return Measured("no spikes", (Condition("there are spikes", holds=False),))
    usual = np.bincount(batches).argmax()
    return Measured(
        f"{np.sum(batches == usual)} of {len(batches)} sit at batch {usual} of "
        f"{task['steps_per_epoch']}, counted from 0",
        (Condition("most sit in the first three batches", float(np.mean(batches < 3)) > 0.5),),
    )


@claim(
    reported.SHUFFLING,
    needs=(*LOGISTIC, "epochs", "shuffle", "curve_seeds"),
    evidence="2e_shuffling.png",
    numbers=("unshuffled/spikes/count", "unshuffled/spikes/depths", "shuffled/spikes"),
    alone={"lag_seeds": 1, "patience_seeds": 1},
)
def shuffling(task: Task2Metrics) -> Measured:
    """2e, what shuffling does to the spikes."""
    before, after = task["unshuffled"]["spikes"], task["shuffled"]["spikes"]
    deepest = float(np.max(before["depths"], initial=0))
    return Measured(
        f"{before['count']} spikes of up to {100 * deepest:.1f} points in file order; shuffled, "
        f"{after['mean_count']:.2f} a run (mean of {after['seeds']}, median "
        f"{after['median_count']:.0f}), the deepest "
        f"{100 * after['mean_greatest_depth']:.1f} points on average",
        (
            Condition("most shuffled runs have none left", after["median_count"] < 0.5),
            Condition(
                "at most a fifth as many spikes remain",
                after["mean_count"] <= before["count"] / 5,
            ),
            Condition(
                "the deepest that remain are at most half as deep",
                after["mean_greatest_depth"] <= deepest / 2,
            ),
        ),
    )


CLAIMS = (schedule, stopping_step, stopping_range, sensitivity, spike_count, spike_place, shuffling)
