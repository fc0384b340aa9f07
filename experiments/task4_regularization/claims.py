"""The claims of task 4: what the penalty does."""

import numpy as np

from experiments.common.claims import SOFTMAX, Check, Claim, Finding, Metrics


def noise(metrics: Metrics) -> Finding:
    """4b, the weight images."""
    runs = metrics["task4_regularization"]["runs"]
    without, with_penalty = (runs[l2]["total_variation_over_size"] for l2 in ("0.0", "2.0"))
    return Finding(
        f"total variation over sum of magnitudes {with_penalty:.2f} at λ = 2, "
        f"{without:.2f} at λ = 0",
        [Check("at least a tenth less at λ = 2", with_penalty <= 0.9 * without)],
    )


def accuracy_falls(metrics: Metrics) -> Finding:
    """4c and 4d."""
    runs = metrics["task4_regularization"]["runs"]
    factors = sorted((l2 for l2 in runs if float(l2) > 0), key=float)
    # the last value alone is a matter of chance at λ = 2, where the accuracy swings by ten points
    accuracies = [runs[l2]["last_epoch_validation_accuracy"] for l2 in factors]
    return Finding(
        "in the last epoch "
        + ", ".join(f"{a:.1%} at {l2}" for l2, a in zip(factors, accuracies, strict=True)),
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
