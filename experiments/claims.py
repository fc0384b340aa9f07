"""The claims of the report, and what a measurement must show to confirm each.

A claim is judged from the metrics alone, so that changing a number changes its verdict.
"""

import numpy as np

from experiments.verdict import Check, Claim, Finding, Metrics

DATA = ("train_size", "validation_size", "batch_size")
LOGISTIC = (*DATA, "digits", "validation_selection", "learning_rate", "l2")
SOFTMAX = (*DATA, "epochs", "learning_rate", "l2")
REPORTED_SHARES = (10.35, 11.50, 9.90, 10.35, 9.70, 8.45, 10.10, 10.75, 9.35, 9.55)


def gradient(task: str) -> Claim:
    """The claim that a gradient is the derivative of its loss."""
    subject = {
        "1a": "the gradient of the binary cross entropy is -(y - ŷ) x",
        "1b": "the gradient of the categorical cross entropy is -x (y - ŷ)",
        "4a": "the penalty adds 2 λ w to the gradient",
    }

    def find(metrics: Metrics) -> Finding:
        worst = metrics["task1_gradients"]["gradients"][task]
        checks = [
            Check(
                f"agrees with autodiff to {numbers['tolerance']:.1e} in {name}", numbers["passes"]
            )
            for name, numbers in worst.items()
        ]
        largest = ", ".join(f"{n['max_relative']:.1e} in {name}" for name, n in worst.items())
        return Finding(f"largest relative error {largest}", checks)

    return Claim(
        f"gradient-{task}", "task1_gradients", subject[task], find, ("batch_size",), "1_errors.png"
    )


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
        f"{lag['seeds']} runs stop at {lag['minimum']} to {lag['maximum']}, 5th to 95th "
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
        f"{len(seen & every_epoch)} of the {len(every_epoch)} epochs from the second on have one",
        [
            Check("10 spikes are seen", run["spikes"]["count"] == 10),
            Check("every epoch from the second on has one", seen >= every_epoch),
        ],
    )


def spike_place(metrics: Metrics) -> Finding:
    """2e, where in the epoch the spikes are."""
    batches = np.asarray(metrics["task2_logistic"]["unshuffled"]["spikes"]["batches"])
    if not len(batches):
        return Finding("no spikes", [Check("there are spikes", holds=False)])
    places = ", ".join(str(place) for place in np.unique(batches))
    steps = metrics["task2_logistic"]["steps_per_epoch"]
    return Finding(
        f"they sit at batch {places} (counted from 0) of {steps}",
        [Check("most sit in the first three batches", float(np.mean(batches < 3)) > 0.5)],
    )


def shuffling(metrics: Metrics) -> Finding:
    """2e, what shuffling does to the spikes."""
    task = metrics["task2_logistic"]
    before, after = task["unshuffled"]["spikes"], task["shuffled"]["spikes"]
    deepest = np.max(before["depths"], initial=0)
    return Finding(
        f"{before['count']} spikes of up to {100 * deepest:.1f} points in file order; shuffled, "
        f"{after['mean_count']:.2f} a run (mean of {after['seeds']}), the deepest "
        f"{100 * after['mean_greatest_depth']:.1f} points on average",
        [
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


def class_shares(metrics: Metrics) -> Finding:
    """3d, the ten numbers."""
    shares = np.asarray(metrics["task3_softmax"]["sequential"]["class_distribution_percent"])
    return Finding(
        " ".join(f"{share:.2f}" for share in shares) + " %",
        [Check("equal to the digit", np.allclose(shares, REPORTED_SHARES, rtol=0, atol=0.005))],
    )


def too_good(metrics: Metrics) -> Finding:
    """3d, the sequential validation set."""
    task = metrics["task3_softmax"]
    final, test = task["sequential"]["final"], task["test_set"]
    draws, thousands = test["random_selections"], np.asarray(test["accuracy_by_thousand"])
    return Finding(
        f"{final['validation_accuracy']:.1%} against {final['train_accuracy']:.1%} on the training "
        f"set and {test['accuracy']:.1%} on all test images; {draws['count']} random selections "
        f"reach {draws['maximum']:.1%} at most (mean {draws['mean']:.1%}, sd "
        f"{100 * draws['standard_deviation']:.2f} points); by thousand the test set runs from "
        f"{thousands.min():.0%} to {thousands.max():.0%}",
        [
            Check(
                "validation accuracy is above training accuracy",
                final["validation_accuracy"] > final["train_accuracy"],
            ),
            Check(
                "no random selection reaches the sequential one",
                test["sequential_accuracy"] > draws["maximum"],
            ),
        ],
    )


def slight_overfitting(metrics: Metrics) -> Finding:
    """3d, the stochastic validation set."""
    final = metrics["task3_softmax"]["stochastic"]["final"]
    gap = final["train_accuracy"] - final["validation_accuracy"]
    return Finding(
        f"validation {100 * gap:.1f} points under training",
        [
            Check("validation accuracy ends below training accuracy", gap > 0),
            Check("by less than two points", gap < 0.02),
        ],
    )


def noise(metrics: Metrics) -> Finding:
    """4b, the weight images."""
    runs = metrics["task4_regularization"]["runs"]
    without, with_penalty = (runs[l2]["total_variation_over_size"] for l2 in ("0.0", "2.0"))
    return Finding(
        f"total variation over sum of magnitudes {with_penalty:.2f} at λ = 2, "
        f"{without:.2f} at λ = 0",
        [Check("less variation for their size at λ = 2", with_penalty < without)],
    )


def accuracy_falls(metrics: Metrics) -> Finding:
    """4c and 4d."""
    runs = metrics["task4_regularization"]["runs"]
    factors = sorted((l2 for l2 in runs if float(l2) > 0), key=float)
    accuracies = [runs[l2]["final"]["validation_accuracy"] for l2 in factors]
    return Finding(
        ", ".join(f"{a:.1%} at {l2}" for l2, a in zip(factors, accuracies, strict=True)),
        [
            Check(
                "each factor's is below that of the smaller one",
                bool((np.diff(accuracies) < 0).all()),
            )
        ],
    )


def norm_inverse(metrics: Metrics) -> Finding:
    """4e."""
    task = metrics["task4_regularization"]
    factors = sorted((l2 for l2 in task["runs"] if float(l2) > 0), key=float)
    norms = [task["runs"][l2]["weight_norm"] for l2 in factors]
    falls = "falls" if (np.diff(norms) < 0).all() else "does not always fall"
    return Finding(
        f"the norm is about proportional to λ^{task['norm_exponent']:.2f}; it {falls} as λ grows",
        [Check("the exponent is within 0.15 of -1", abs(task["norm_exponent"] + 1) <= 0.15)],
    )


CLAIMS = (
    *(gradient(task) for task in ("1a", "1b", "4a")),
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
    Claim(
        "class-shares",
        "task3_softmax",
        "class shares of the sequential validation set, ten numbers",
        class_shares,
        ("validation_size", "validation_selection"),
        "3d_class_shares.png",
    ),
    Claim(
        "too-good",
        "task3_softmax",
        "sequential validation looks too good",
        too_good,
        (*SOFTMAX, "validation_selection"),
        "3d_selections.png",
    ),
    Claim(
        "slight-overfitting",
        "task3_softmax",
        "stochastic validation shows slight overfitting",
        slight_overfitting,
        (*SOFTMAX, "validation_selection"),
        "3c_accuracy.png",
    ),
    Claim(
        "noise",
        "task4_regularization",
        "weights at λ = 2 are less noisy",
        noise,
        SOFTMAX,
        "4b_weights.png",
    ),
    Claim(
        "accuracy-falls",
        "task4_regularization",
        "accuracy falls as λ grows",
        accuracy_falls,
        (*SOFTMAX, "validation_selection"),
        "4c_accuracy.png",
    ),
    Claim(
        "norm-inverse",
        "task4_regularization",
        "the norm of the weights is about inversely proportional to λ",
        norm_inverse,
        SOFTMAX,
        "4e_norm.png",
    ),
)
"""The 13 claims of tasks 2 to 4, and the gradients of 1a, 1b and 4a."""
