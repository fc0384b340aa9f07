"""The captions of task 4, and what its numbers mean."""

from collections.abc import Callable

from experiments.common.captions import Caption, Numbers, shown
from experiments.task4_regularization.metrics import PenalizedMetrics, Task4Metrics

MEANING = (
    "Without a penalty, validation ends above training: on these validation images there is no "
    "overfitting to cure. No penalty improves the accuracy noticeably, and the strongest costs "
    "much of it."
)


def per_factor(
    what: str, value: Callable[[PenalizedMetrics], str | None], *, zero: bool = True
) -> Callable[[Task4Metrics], Numbers]:
    """One number of each run, in increasing order of the factor, with or without zero."""

    def numbers(metrics: Task4Metrics) -> Numbers:
        runs = {float(l2): run for l2, run in metrics["runs"].items()}
        return {f"{what} at λ = {l2:g}": value(runs[l2]) for l2 in sorted(runs) if l2 > 0 or zero}

    return numbers


def norm(run: PenalizedMetrics) -> str | None:
    """The norm of the weights."""
    return shown(run["weight_norm"], "{:.3g}")


def accuracies(run: PenalizedMetrics) -> str | None:
    """Both accuracies, as the mean of the last epoch."""
    train, validation = run["last_epoch_train_accuracy"], run["last_epoch_validation_accuracy"]
    return None if train is None else f"{train:.1%}, {validation:.1%}"


def norm_numbers(metrics: Task4Metrics) -> Numbers:
    """The norms and the fitted exponent."""
    slope = shown(metrics["norm_exponent"], "{:.2f}")
    return {**per_factor("norm", norm, zero=False)(metrics), "slope of the fitted line": slope}


CAPTIONS = {
    "4b_weights": Caption(
        title="4b: weights of the smallest and the largest λ",
        shows="The weights of each digit as an image, a row for each λ: red where a bright pixel "
        "speaks for the digit, blue where it speaks against it. Each row has its own scale.",
        numbers=per_factor("norm", norm),
        meaning="The largest λ shrinks the weights to a fraction and makes the images smoother.",
    ),
    "4c_accuracy": Caption(
        title="4c: validation accuracy by factor of the penalty",
        shows="Validation accuracy over the steps, a line for each λ; in a second panel, closer, "
        "those that stay high.",
        numbers=per_factor(
            "mean of the last epoch",
            lambda run: shown(run["last_epoch_validation_accuracy"], "{:.1%}"),
        ),
        meaning="No penalty and the smallest one are equal within noise. From there the accuracy "
        "falls as λ grows, and most of the fall comes with the largest λ, where it also swings "
        "from one evaluation to the next.",
    ),
    "4d_train_validation": Caption(
        title="4d: training and validation accuracy",
        shows="Training and validation accuracy over the steps, a panel for each λ.",
        numbers=per_factor("mean training and validation accuracy of the last epoch", accuracies),
        meaning="Validation ends above training for every λ, and the gap grows with λ.",
    ),
    "4e_norm": Caption(
        title="4e: norm of the weights by factor of the penalty",
        shows="Norm of the weights over λ, on logarithmic axes, with a fitted line and a dashed "
        "line of slope -1.",
        numbers=norm_numbers,
        meaning="The norm falls as λ grows, but far more slowly than in inverse proportion.",
    ),
    "appendix_weights": Caption(
        title="Appendix: weights by λ",
        shows="The weights of each digit as an image, a row for each λ above zero.",
        numbers=per_factor(
            "total variation over sum of magnitudes",
            lambda run: shown(run["total_variation_over_size"], "{:.2f}"),
            zero=False,
        ),
        meaning="The images become less noisy as λ grows.",
    ),
}
