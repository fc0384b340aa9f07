"""What the page says of task 4: what the penalty does to accuracy and weights."""

from typing import Any

from experiments.common.captions import Caption, Narrative, TaskMetrics
from experiments.common.words import falls, join, known, listed, points, side

ACCURACY = "last_epoch_validation_accuracy"
NOISE = "total_variation_over_size"


def by_factor(metrics: TaskMetrics, *, positive: bool = False) -> dict[float, dict[str, Any]]:
    """The numbers of each run by its factor, in increasing order."""
    runs = {float(l2): run for l2, run in metrics["runs"].items()}
    return {l2: runs[l2] for l2 in sorted(runs) if l2 > 0 or not positive}


def measured(metrics: TaskMetrics, name: str, *, positive: bool = False) -> dict[float, float]:
    """One number of each run, where it was measured."""
    runs = by_factor(metrics, positive=positive)
    return {l2: run[name] for l2, run in runs.items() if known(run[name])}


def gaps(metrics: TaskMetrics) -> dict[float, float]:
    """By how much validation ends above training, where they were evaluated."""
    return {
        l2: run["final"]["validation_accuracy"] - run["final"]["train_accuracy"]
        for l2, run in by_factor(metrics).items()
        if run["final"]
    }


def overview(metrics: TaskMetrics) -> str:
    """What the penalty gains or costs, and whether there was something for it to cure."""
    return join(cure(metrics), gain(metrics))


def cure(metrics: TaskMetrics) -> str:
    """Whether the run with the smallest factor overfits."""
    found = gaps(metrics)
    if not found:
        return "No run got as far as an evaluation."
    least = min(found)
    run = "Without a penalty" if least == 0 else f"With the smallest penalty, λ = {least:g},"
    ends = f"{run} validation ends {side(found[least], 'above', 'below', 'level with')} training"
    if found[least] >= 0:
        return f"{ends}: on these validation images there is no overfitting to cure."
    return f"{ends}: there is some overfitting to cure."


def gain(metrics: TaskMetrics) -> str:
    """The best factor against none."""
    found = measured(metrics, ACCURACY)
    penalised = {l2: accuracy for l2, accuracy in found.items() if l2 > 0}
    if 0 not in found or not penalised:
        return ""
    best = max(penalised, key=lambda l2: penalised[l2])
    difference = side(penalised[best] - found[0], "better", "worse", "no different")
    return (
        f"The best of the factors, λ = {best:g}, is {difference} in the last epoch's validation "
        f"accuracy; the strongest, λ = {max(penalised):g}, is "
        f"{side(penalised[max(penalised)] - found[0], 'better', 'worse', 'no different')}."
    )


def weights(metrics: TaskMetrics) -> Caption:
    """4b: weights of the smallest and the largest factor."""
    runs = by_factor(metrics)
    ends = {l2: runs[l2] for l2 in sorted({min(runs), max(runs)})}
    norms = {l2: run["weight_norm"] for l2, run in ends.items() if known(run["weight_norm"])}
    found = listed(f"{norm:.3g} at λ = {l2:g}" for l2, norm in norms.items()) if norms else ""
    return Caption(
        "4b: weights of the smallest and the largest λ",
        join(
            "The weights of each digit as an image, red where a bright pixel speaks for the digit, "
            f"blue where it speaks against; a row for λ = {listed(f'{l2:g}' for l2 in ends)}.",
            f"Their norm is {found}." if found else "",
        ),
        shrinkage(norms),
    )


def shrinkage(norms: dict[float, float]) -> str:
    """How much of the norm the largest factor leaves."""
    if len(norms) < 2 or norms[min(norms)] == 0:
        return ""
    return (
        f"The largest λ leaves {norms[max(norms)] / norms[min(norms)]:.0%} of the norm. Each row "
        "has its own scale, so that patterns can be compared."
    )


def accuracy(metrics: TaskMetrics) -> Caption:
    """4c: validation accuracy by factor."""
    found = measured(metrics, ACCURACY, positive=True)
    ends = listed(f"{each:.1%} at λ = {l2:g}" for l2, each in found.items()) if found else ""
    return Caption(
        "4c: validation accuracy by factor of the penalty",
        join(
            "Validation accuracy over the steps, a line for each λ above zero.",
            f"In the last epoch it is {ends} on average." if ends else "",
        ),
        last_step(found),
    )


def last_step(accuracies: dict[float, float]) -> str:
    """How much of the loss of accuracy is the largest factor's."""
    if len(accuracies) < 3:
        return ""
    *_, before, last = accuracies
    least = min(accuracies)
    lost, at_last = (
        accuracies[least] - accuracies[last],
        accuracies[before] - accuracies[last],
    )
    if lost <= 0:
        return f"λ = {last:g} is no worse than λ = {least:g}."
    return (
        f"From λ = {least:g} to {last:g} the accuracy falls by {points(lost)}, "
        f"{at_last / lost:.0%} of them between {before:g} and {last:g}."
    )


def train_validation(metrics: TaskMetrics) -> Caption:
    """4d: training against validation accuracy."""
    found = gaps(metrics)
    ends = [
        f"{run['final']['train_accuracy']:.1%} and {run['final']['validation_accuracy']:.1%} at "
        f"λ = {l2:g}"
        for l2, run in by_factor(metrics).items()
        if run["final"]
    ]
    return Caption(
        "4d: training and validation accuracy",
        join(
            "Training and validation accuracy over the steps, a panel for each λ.",
            f"They end at {listed(ends)}." if ends else "",
        ),
        spread(found),
    )


def spread(found: dict[float, float]) -> str:
    """Where validation is above training, and whether the gap grows with the factor."""
    if len(found) < 2:
        return ""
    above = [f"{l2:g}" for l2, gap in found.items() if gap > 0]
    if not above:
        return "For no λ does validation end above training."
    where = "every λ" if len(above) == len(found) else f"λ = {listed(above)}"
    grows = falls([-gap for gap in found.values()])
    trend = "; the gap grows with λ" if grows else "; the gap does not simply grow with λ"
    return f"Validation ends above training for {where}{trend}."


def norm(metrics: TaskMetrics) -> Caption:
    """4e: the norm of the weights by factor."""
    norms, exponent = measured(metrics, "weight_norm", positive=True), metrics["norm_exponent"]
    return Caption(
        "4e: norm of the weights by factor of the penalty",
        "Norm of the weights over λ, on logarithmic axes: "
        f"{listed(f'{each:.3g} at λ = {l2:g}' for l2, each in norms.items())}. The line fitted to "
        f"them has slope {exponent:.2f}; a dashed line has slope -1.",
        f"Ten times the λ leaves {10**exponent:.0%} of the norm; if the norm were inversely "
        "proportional, it would be 10%.",
    )


def all_weights(metrics: TaskMetrics) -> Caption:
    """Appendix: the weights of every positive factor."""
    found = measured(metrics, NOISE, positive=True)
    noise = listed(f"{each:.2f} at λ = {l2:g}" for l2, each in found.items()) if found else ""
    trend = "falls steadily" if falls(list(found.values())) else "does not fall steadily"
    return Caption(
        "Appendix: weights by λ",
        join(
            "The weights of each digit as an image, a row for each λ above zero.",
            f"Their noise, total variation over sum of magnitudes, is {noise}." if noise else "",
        ),
        f"The noise of the images {trend} as λ grows." if len(found) > 1 else "",
    )


NARRATIVE = Narrative(
    overview,
    {
        "4b_weights": weights,
        "4c_accuracy": accuracy,
        "4d_train_validation": train_validation,
        "4e_norm": norm,
        "appendix_weights": all_weights,
    },
)
