"""The claims of task 3: what the validation set is worth."""

import numpy as np

from experiments import reported
from experiments.common.claims import SOFTMAX, Condition, Measured, claim
from experiments.task3_softmax.metrics import Task3Metrics


@claim(
    reported.CLASS_SHARES,
    needs=("validation_size", "validation_selection"),
    evidence="3d_class_shares.png",
    numbers=("sequential/class_distribution_percent",),
    alone={"validation_selection": "sequential", "epochs": 1},
)
def class_shares(task: Task3Metrics) -> Measured:
    """3d, the ten numbers."""
    shares = np.asarray(task["sequential"]["class_distribution_percent"])
    equal = np.allclose(shares, reported.CLASS_PERCENTAGES, rtol=0, atol=0.005)
    return Measured(
        " ".join(f"{share:.2f}" for share in shares) + " %",
        (Condition("equal to the digit", equal),),
    )


@claim(
    reported.TOO_GOOD,
    needs=(*SOFTMAX, "validation_selection"),
    evidence="3d_selections.png",
    numbers=("sequential/final", "test_set"),
    alone={"validation_selection": "sequential"},
)
def too_good(task: Task3Metrics) -> Measured:
    """3d, the sequential validation set."""
    final, test = task["sequential"]["final"], task["test_set"]
    draws, thousands = test["random_selections"], np.asarray(test["accuracy_by_thousand"])
    above = test["sequential_standard_deviations_above_mean"]
    return Measured(
        f"{final['validation_accuracy']:.1%} against {final['train_accuracy']:.1%} on the training "
        f"set; after the last step {test['sequential_accuracy']:.1%} against "
        f"{test['accuracy']:.1%} on all test images, {above:.1f} sd above the mean of "
        f"{draws['count']} random selections, which reach {draws['maximum']:.1%} at most; "
        f"by thousand the test set runs from {thousands.min():.0%} to {thousands.max():.0%}",
        (
            Condition(
                "validation accuracy is above training accuracy",
                final["validation_accuracy"] > final["train_accuracy"],
            ),
            Condition(
                "no random selection reaches the sequential one",
                test["sequential_accuracy"] > draws["maximum"],
            ),
        ),
    )


@claim(
    reported.SLIGHT_OVERFITTING,
    needs=(*SOFTMAX, "validation_selection"),
    evidence="3c_accuracy.png",
    numbers=("stochastic/final", "test_set/random_selections"),
    alone={"validation_selection": "stochastic"},
)
def slight_overfitting(task: Task3Metrics) -> Measured:
    """3d, the stochastic validation set."""
    final, draws = task["stochastic"]["final"], task["test_set"]["random_selections"]
    # one draw may fall on either side: what is judged is the mean over many
    gap = final["train_accuracy"] - draws["mean"]
    return Measured(
        f"validation {100 * (final['train_accuracy'] - final['validation_accuracy']):.1f} points "
        f"under training; over {draws['count']} random selections {100 * gap:.1f} on average",
        (
            Condition("on average, validation accuracy is below training accuracy", gap > 0),
            Condition("by less than two points", gap < 0.02),
        ),
    )


CLAIMS = (class_shares, too_good, slight_overfitting)
