"""The claims of task 4: what the penalty does."""

import numpy as np

from experiments import reported
from experiments.common.claims import SOFTMAX, Limit, Measured, claim, limited
from experiments.common.words import listed
from experiments.task4_regularization.metrics import Task4Metrics

# the thresholds of the verdicts
LESS_NOISY = Limit("<=", 0.9, "a tenth less is about what an eye sees on two images side by side")
FALLS = Limit("<", 0, "the report says that it falls with each factor, however little")
TIED = Limit("<=", 0, "a difference of one standard error is what another selection would give")
NEAR_INVERSE = Limit(
    "<=", 0.15, "over the factors' range of 1,000, λ times the norm then varies by 2.8 at most"
)


@claim(
    reported.NOISE,
    needs=SOFTMAX,
    evidence="4b_weights.png",
    about="Noise is what changes from a pixel to its neighbour. It is measured as total variation: "
    "the sum of these changes, over the sum of the weights' magnitudes, since the penalty shrinks "
    "all weights and would otherwise be confirmed by that alone.",
    numbers=("runs/*/total_variation_over_size",),
)
def noise(metrics: Task4Metrics) -> Measured:
    """4b, the weight images."""
    runs = metrics["runs"]
    found = [runs[l2]["total_variation_over_size"] for l2 in ("0.0", "2.0")]
    without, with_penalty = np.array(found, float)  # NaN where there is none
    return Measured(
        f"total variation over sum of magnitudes {with_penalty:.2f} at λ = 2, "
        f"{without:.2f} at λ = 0",
        (limited("at least a tenth less at λ = 2", with_penalty / without, LESS_NOISY),),
    )


@claim(
    reported.ACCURACY_FALLS,
    needs=(*SOFTMAX, "validation_selection"),
    evidence="4c_accuracy.png",
    about="At the largest factor the accuracy swings from one evaluation to the next, so the mean "
    "of the last epoch's evaluations is judged and not the last value. λ = 0 and the smallest "
    "factor are tied if they differ by no more than the standard error of an accuracy on as many "
    "images as there are to validate.",
    numbers=("validation_examples", "runs/*/last_epoch_validation_accuracy"),
)
def accuracy_falls(metrics: Task4Metrics) -> Measured:
    """4c and 4d."""
    runs, images = metrics["runs"], metrics["validation_examples"]
    factors = sorted(runs, key=float)
    found = [runs[l2]["last_epoch_validation_accuracy"] for l2 in factors]
    without, *others = accuracies = np.array(found, float)
    noise = float(np.sqrt(without * (1 - without) / images))
    shown = (f"{a:.1%} at λ = {float(l2):g}" for a, l2 in zip(accuracies, factors, strict=True))
    return Measured(
        f"in the last epoch {listed(shown)}",
        (
            limited(
                "among the factors above zero, each larger one has a lower accuracy",
                np.max(np.diff(others), initial=-np.inf),
                FALLS,
                decisive=True,
            ),
            limited(
                "λ = 0 is not worse than the smallest of them by more than a standard error",
                others[0] - without - noise,
                TIED,
            ),
        ),
    )


@claim(
    reported.NORM_INVERSE,
    needs=SOFTMAX,
    evidence="4e_norm.png",
    about="Inversely proportional means a straight line of slope -1 where both axes are "
    "logarithmic. The slope is fitted to the positive factors. A dominating penalty would push the "
    "norm towards that slope: for a large factor, the weights are about the gradient of the cross "
    "entropy at zero, divided by twice the factor.",
    numbers=("norm_exponent", "runs/*/weight_norm"),
)
def norm_inverse(metrics: Task4Metrics) -> Measured:
    """4e."""
    runs, exponent = metrics["runs"], metrics["norm_exponent"]
    if exponent is None:
        return Measured("the norms of fewer than two runs are finite")
    factors = sorted((l2 for l2 in runs if float(l2) > 0), key=float)
    norms = [runs[l2]["weight_norm"] for l2 in factors]
    falls = "falls" if (np.diff(norms) < 0).all() else "does not always fall"
    off = abs(exponent - reported.NORM_EXPONENT)
    return Measured(
        f"the norm is about proportional to λ^{exponent:.2f}; it {falls} as λ grows",
        (limited(f"the exponent is within 0.15 of {reported.NORM_EXPONENT:g}", off, NEAR_INVERSE),),
    )


CLAIMS = (noise, accuracy_falls, norm_inverse)
