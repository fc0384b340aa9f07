"""The claims of task 4: what the penalty does."""

import numpy as np

from experiments import reported
from experiments.common.claims import SOFTMAX, Condition, Measured, claim
from experiments.task4_regularization.metrics import Task4Metrics


@claim(
    reported.NOISE,
    needs=SOFTMAX,
    evidence="4b_weights.png",
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
        (Condition("at least a tenth less at λ = 2", bool(with_penalty <= 0.9 * without)),),
    )


@claim(
    reported.ACCURACY_FALLS,
    needs=(*SOFTMAX, "validation_selection"),
    evidence="4c_accuracy.png",
    numbers=("runs/*/last_epoch_validation_accuracy",),
)
def accuracy_falls(metrics: Task4Metrics) -> Measured:
    """4c and 4d."""
    runs = metrics["runs"]
    factors = sorted((l2 for l2 in runs if float(l2) > 0), key=float)
    # the last value alone is a matter of chance at λ = 2, where the accuracy swings by ten points
    found = [runs[l2]["last_epoch_validation_accuracy"] for l2 in factors]
    accuracies = np.array(found, float)
    return Measured(
        "in the last epoch "
        + ", ".join(f"{a:.1%} at {l2}" for l2, a in zip(factors, accuracies, strict=True)),
        (
            Condition(
                "each factor's is below that of the smaller one",
                bool((np.diff(accuracies) < 0).all()),
            ),
        ),
    )


@claim(
    reported.NORM_INVERSE,
    needs=SOFTMAX,
    evidence="4e_norm.png",
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
    near = abs(exponent - reported.NORM_EXPONENT) <= 0.15
    return Measured(
        f"the norm is about proportional to λ^{exponent:.2f}; it {falls} as λ grows",
        (Condition(f"the exponent is within 0.15 of {reported.NORM_EXPONENT:g}", near),),
    )


CLAIMS = (noise, accuracy_falls, norm_inverse)
