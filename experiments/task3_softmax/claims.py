"""The claims of task 3: what the validation set is worth."""

import numpy as np

from experiments.common.claims import SOFTMAX, Check, Claim, Finding, Metrics

REPORTED_SHARES = (10.35, 11.50, 9.90, 10.35, 9.70, 8.45, 10.10, 10.75, 9.35, 9.55)


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
    above = test["sequential_standard_deviations_above_mean"]
    return Finding(
        f"{final['validation_accuracy']:.1%} against {final['train_accuracy']:.1%} on the training "
        f"set; after the last step {test['sequential_accuracy']:.1%} against "
        f"{test['accuracy']:.1%} on all test images, {above:.1f} sd above the mean of "
        f"{draws['count']} random selections, which reach {draws['maximum']:.1%} at most; "
        f"by thousand the test set runs from {thousands.min():.0%} to {thousands.max():.0%}",
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
    task = metrics["task3_softmax"]
    final, draws = task["stochastic"]["final"], task["test_set"]["random_selections"]
    # one draw may fall on either side: what is judged is the mean over many
    gap = final["train_accuracy"] - draws["mean"]
    return Finding(
        f"validation {100 * (final['train_accuracy'] - final['validation_accuracy']):.1f} points "
        f"under training; over {draws['count']} random selections {100 * gap:.1f} on average",
        [
            Check("on average, validation accuracy is below training accuracy", gap > 0),
            Check("by less than two points", gap < 0.02),
        ],
    )


CLAIMS = (
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
)
