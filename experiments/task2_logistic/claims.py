"""The claims of task 2: early stopping, and spikes that shuffling removes."""

import numpy as np

from experiments.common.claims import DATA, Check, Claim, Finding, Metrics

LOGISTIC = (*DATA, "digits", "validation_selection", "learning_rate", "l2")


def schedule(metrics: Metrics) -> Finding:
    """Row 1 of task 2."""
    task = metrics["task2_logistic"]
    steps, every = task["steps_per_epoch"], task["evaluate_every"]
    return Finding(
        f"{task['train_examples']} images make {steps} steps, evaluated every {every}",
        [Check("28 steps an epoch", steps == 28), Check("evaluated every 5 steps", every == 5)],
    )


def stopping_step(metrics: Metrics) -> Finding:
    """2d, in file order."""
    run = metrics["task2_logistic"]["unshuffled"]
    stops, final = run["stop_step"], run["final"]["step"]
    named = ", ".join(
        f"{name} stops at step {stop}" if stop is not None else f"{name} not by step {final}"
        for name, stop in stops.items()
    )
    # a run that ends before step 75 says nothing of it
    long_enough = final >= 75 or None not in stops.values()
    check = Check("one of the criteria stops at step 75", 75 in stops.values())
    return Finding(named, [check] if long_enough else [])


def stopping_range(metrics: Metrics) -> Finding:
    """2d, shuffled."""
    lag = metrics["task2_logistic"]["shuffled"]["stop_steps"]["lag"]
    if not lag["stopped"]:
        return Finding("no run was stopped", [Check("runs are stopped", holds=False)])
    share, quantiles = lag["share_within_65_to_195"], lag["quantiles"]
    return Finding(
        f"{lag['stopped']} of {lag['seeds']} runs are stopped, {share:.1%} of all in the range; "
        f"they stop at {lag['minimum']} to {lag['maximum']}, 5th to 95th "
        f"percentile {quantiles['0.05']:.0f} to {quantiles['0.95']:.0f}",
        [Check("at least 95 % of the runs stop within [65, 195]", share >= 0.95)],
    )


def sensitivity(metrics: Metrics) -> Finding:
    """2d, the criterion and where overfitting starts."""
    run = metrics["task2_logistic"]["unshuffled"]
    at_stop, final, lowest = run["at_stop"]["lag"], run["final"], run["lowest_validation_loss"]
    if at_stop is None:
        return Finding("lag does not stop", [Check("lag stops the run", holds=False)])
    return Finding(
        f"validation accuracy {at_stop['validation_accuracy']:.1%} at the stop, "
        f"{final['validation_accuracy']:.1%} at the end; the validation loss is lowest "
        f"at step {lowest['step']}",
        [
            Check(
                "the validation accuracy improves after the stop",
                final["validation_accuracy"] > at_stop["validation_accuracy"],
            ),
            Check(
                "the validation loss is lowest within 200 steps of step 600",
                abs(lowest["step"] - 600) <= 200,
            ),
        ],
    )


def spike_count(metrics: Metrics) -> Finding:
    """2e, how many spikes there are."""
    run = metrics["task2_logistic"]["unshuffled"]
    every_epoch = set(range(1, run["epochs"]))
    seen = set(np.asarray(run["spikes_every_step"]["epochs"]).tolist())
    return Finding(
        f"{run['spikes']['count']} spikes after the first epoch; evaluated after every step, "
        f"{len(seen & every_epoch)} of the {len(every_epoch)} epochs from the second on have at "
        f"least one ({run['spikes_every_step']['count']} spikes in all)",
        [
            Check("10 spikes are seen", run["spikes"]["count"] == 10),
            Check("every epoch from the second on has at least one", seen >= every_epoch),
        ],
    )


def spike_place(metrics: Metrics) -> Finding:
    """2e, where in the epoch the spikes are."""
    # from the evaluation after every step: one in five sees a batch only in every fifth epoch
    task = metrics["task2_logistic"]
    batches = np.asarray(task["unshuffled"]["spikes_every_step"]["batches"])
    if not len(batches):
        return Finding("no spikes", [Check("there are spikes", holds=False)])
    usual = np.bincount(batches).argmax()
    return Finding(
        f"{np.sum(batches == usual)} of {len(batches)} sit at batch {usual} of "
        f"{task['steps_per_epoch']}, counted from 0",
        [Check("most sit in the first three batches", float(np.mean(batches < 3)) > 0.5)],
    )


def shuffling(metrics: Metrics) -> Finding:
    """2e, what shuffling does to the spikes."""
    task = metrics["task2_logistic"]
    before, after = task["unshuffled"]["spikes"], task["shuffled"]["spikes"]
    deepest = np.max(before["depths"], initial=0)
    return Finding(
        f"{before['count']} spikes of up to {100 * deepest:.1f} points in file order; shuffled, "
        f"{after['mean_count']:.2f} a run (mean of {after['seeds']}, median "
        f"{after['median_count']:.0f}), the deepest "
        f"{100 * after['mean_greatest_depth']:.1f} points on average",
        [
            Check("most shuffled runs have none left", after["median_count"] < 0.5),
            Check(
                "at most a fifth as many spikes remain",
                after["mean_count"] <= before["count"] / 5,
            ),
            Check(
                "the deepest that remain are at most half as deep",
                after["mean_greatest_depth"] <= deepest / 2,
            ),
        ],
    )


CLAIMS = (
    Claim(
        "schedule",
        "task2_logistic",
        "28 steps an epoch, validation every 5th",
        schedule,
        (*DATA, "digits"),
        "metrics.json",
    ),
    Claim(
        "stopping-step",
        "task2_logistic",
        "with early stopping, training stops at step 75",
        stopping_step,
        LOGISTIC,
        "2b_loss.png",
    ),
    Claim(
        "stopping-range",
        "task2_logistic",
        "with shuffling it stops in [65, 195]",
        stopping_range,
        (*LOGISTIC, "epochs", "shuffle", "lag_seeds"),
        "2d_stopping.png",
    ),
    Claim(
        "sensitivity",
        "task2_logistic",
        "the criterion is too sensitive; overfitting starts near step 600",
        sensitivity,
        (*LOGISTIC, "epochs"),
        "2b_loss.png",
    ),
    Claim(
        "spike-count",
        "task2_logistic",
        "10 spikes in validation accuracy without shuffling, in truth one in every epoch",
        spike_count,
        (*LOGISTIC, "epochs"),
        "2e_spike_position.png",
    ),
    Claim(
        "spike-place",
        "task2_logistic",
        "the spikes sit at the start of the epoch",
        spike_place,
        (*LOGISTIC, "epochs"),
        "2e_spike_position.png",
    ),
    Claim(
        "shuffling",
        "task2_logistic",
        "shuffling removes the spikes",
        shuffling,
        (*LOGISTIC, "epochs", "shuffle", "curve_seeds"),
        "2e_shuffling.png",
    ),
)
