"""The claims of task 3: what the validation set is worth."""

import numpy as np

from experiments.claims.verdict import SOFTMAX, Check, Claim, Finding, Metrics

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
