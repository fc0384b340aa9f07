"""The claims of task 3: what the validation set is worth."""

import numpy as np

from experiments import reported
from experiments.common.claims import SOFTMAX, Condition, Limit, Measured, claim, limited
from experiments.task3_softmax.metrics import DRAWS, Task3Metrics

# the thresholds of the verdicts
ABOVE = Limit(">", 0, "a fair validation set is, if anything, harder than what was learned from")
OUT_OF_REACH = Limit(
    ">", 0, "a typical selection would be among a thousand random ones, not above them all"
)
BELOW = Limit(">", 0, "overfitting of any size puts validation below training")
SLIGHT = Limit(
    "<", 0.02, "some four standard deviations of a random validation set; 'slight' is no number"
)


@claim(
    reported.CLASS_SHARES,
    needs=("validation_size", "validation_selection"),
    evidence="3d_class_shares.png",
    about="All ten numbers must match exactly: they show that the images are the same, in the same "
    "order.",
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
    about="The report suspects that the last images are not like the others. That can be tested "
    f"without training again: the same weights are tried on {DRAWS:,} random selections of as many "
    "test images. If the last ones were like any others, their accuracy would be among these.",
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
            limited(
                "validation accuracy is above training accuracy",
                final["validation_accuracy"] - final["train_accuracy"],
                ABOVE,
            ),
            limited(
                "no random selection reaches the sequential one",
                test["sequential_accuracy"] - draws["maximum"],
                OUT_OF_REACH,
            ),
        ),
    )


@claim(
    reported.SLIGHT_OVERFITTING,
    needs=(*SOFTMAX, "validation_selection"),
    evidence="3c_accuracy.png",
    about="One random validation set may fall on either side of the training accuracy by luck. So "
    "the mean over all the random selections is judged, not the one that was drawn.",
    numbers=("stochastic/final", "test_set/random_selections"),
    alone={"validation_selection": "stochastic"},
)
def slight_overfitting(task: Task3Metrics) -> Measured:
    """3d, the stochastic validation set."""
    final, draws = task["stochastic"]["final"], task["test_set"]["random_selections"]
    gap = final["train_accuracy"] - draws["mean"]
    return Measured(
        f"validation {100 * (final['train_accuracy'] - final['validation_accuracy']):.1f} points "
        f"under training; over {draws['count']} random selections {100 * gap:.1f} on average",
        (
            limited("on average, validation accuracy is below training accuracy", gap, BELOW),
            limited("by less than two points", gap, SLIGHT),
        ),
    )


CLAIMS = (class_shares, too_good, slight_overfitting)
