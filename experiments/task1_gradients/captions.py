"""What the page says of the gradients of 1a, 1b and 4a."""

import numpy as np

from experiments.common.captions import Caption, Narrative, TaskMetrics
from experiments.common.words import counted, join, known, listed, scientific

RESULTS = ("1a.25", "23", "27")
"""The equations at which the derivations arrive."""
AS_ACCURATE = 2.0
"""An error of up to so many times another is of the same size."""
HAND_DERIVED, AUTODIFF = "float32: hand-derived", "float32: autodiff"
BETWEEN = "float64: one against the other"
EPS = float(np.finfo(np.float64).eps)


def overview(metrics: TaskMetrics) -> str:
    """Whether the gradients pass, how narrowly, and what the derivations are worth."""
    return join(agreement(metrics), margin(metrics), derivations(metrics))


def agreement(metrics: TaskMetrics) -> str:
    """Which gradients fail which checks, or that none does."""
    gradients = metrics["gradients"]
    wrong = [
        f"{task} in {precision} ({', '.join(worst['failed'])})"
        for task, precisions in gradients.items()
        for precision, worst in precisions.items()
        if not worst["passes"]
    ]
    if wrong:
        return f"Not every check of the hand-derived gradients passes: {listed(wrong)}."
    checks = sum(precisions["float64"]["checks"] for precisions in gradients.values())
    return (
        f"The hand-derived gradients of {listed(gradients)} agree with autodiff and with "
        f"differences of the loss on real images, in all {checks} places where they are checked."
    )


def margin(metrics: TaskMetrics) -> str:
    """How much of the tolerance is used, where all pass."""
    worst = [worst for precisions in metrics["gradients"].values() for worst in precisions.values()]
    if not all(each["passes"] for each in worst):
        return ""
    share = max(each["largest_share_of_tolerance"] for each in worst)
    return f"The largest error is {share:.0%} of what rounding alone could cause there."


def derivations(metrics: TaskMetrics) -> str:
    """How many lines hold, and whether a wrong one reaches a result."""
    ledger = metrics["ledger"]
    wrong = [number for number in RESULTS if number not in ledger["holds"]]
    lines = sum(len(ledger[verdict]) for verdict in ("holds", "slip", "fails"))
    counts = f"Of {counted(lines, 'line')} in the derivations, {len(ledger['holds'])} hold"
    if ledger["slip"]:
        counts += f" and {counted(len(ledger['slip']), 'slip')} can be put right"
    if ledger["fails"]:
        counts += f"; no correction is known for {listed(ledger['fails'])}"
    if wrong:
        return f"{counts}. What is derived does not hold: {listed(f'({n})' for n in wrong)}."
    return f"{counts}; the results, {listed(f'({n})' for n in RESULTS)}, stand."


def coordinates(metrics: TaskMetrics) -> Caption:
    """1: the error of each coordinate."""
    errors = metrics["errors"]
    found = "; ".join(
        f"{name}, at most {listed(map(scientific, largest(errors, name)))}"
        for name in (HAND_DERIVED, AUTODIFF, BETWEEN)
    )
    return Caption(
        "Errors of the gradients, coordinate by coordinate",
        f"Histograms of the relative error of every coordinate for {listed(errors)}, in this "
        f"order. {found}.",
        join(accuracy(errors), equality(errors)),
    )


def largest(errors: TaskMetrics, name: str) -> list[float | None]:
    """The largest error of each task's coordinates in one of the comparisons."""
    return [found["by_coordinate"][name]["largest"] for found in errors.values()]


def accuracy(errors: TaskMetrics) -> str:
    """Whether the hand-derived gradient is as accurate as autodiff in float32."""
    ours, theirs = largest(errors, HAND_DERIVED), largest(errors, AUTODIFF)
    if not known(*ours, *theirs):
        return "In float32, the trained weights are too large for the gradients to be compared."
    ratios = np.array(ours, float) / np.maximum(np.array(theirs, float), EPS)
    worst = int(np.argmax(ratios))
    if ratios[worst] <= AS_ACCURATE:
        return (
            "In float32, deriving by hand costs no accuracy: the largest error is at most "
            f"{ratios[worst]:.1f} times that of autodiff."
        )
    return (
        f"In float32, {list(errors)[worst]} errs up to {ratios[worst]:.0f} times as much as "
        "autodiff does."
    )


def equality(errors: TaskMetrics) -> str:
    """How many coordinates are the same number in float64."""
    equal = [f"{found['by_coordinate'][BETWEEN]['equal']:.0%}" for found in errors.values()]
    return (
        f"In float64, {listed(equal)} of the coordinates of {listed(errors)} are the same number, "
        "bit for bit."
    )


def steps(metrics: TaskMetrics) -> Caption:
    """1: central differences over their step."""
    errors = metrics["errors"]
    best = {
        precision: [found["central_differences"][precision] for found in errors.values()]
        for precision in ("float32", "float64")
    }
    least = "; ".join(f"{name}: {listed(map(at_step, each))}" for name, each in best.items())
    return Caption(
        "Why differences alone do not settle it",
        "Error of the central difference over its step, on logarithmic axes, a panel for each of "
        f"{listed(errors)}. The least error and the step that has it, in {least}.",
        digits([each["relative"] for each in best["float64"] if each], largest(errors, BETWEEN)),
    )


def at_step(best: TaskMetrics | None) -> str:
    """The least error of a difference, and its step."""
    return f"{scientific(best['relative'])} at {scientific(best['step'])}" if best else "none"


def digits(reached: list[float], agreed: list[float | None]) -> str:
    """What a difference can tell, against how closely autodiff and derivation agree."""
    if not reached or not known(*agreed):
        return ""
    error, agreement = max(reached), max(EPS, *np.array(agreed, float))
    told = f"A difference in float64 is right to {scientific(error)} even at its best step"
    gained = np.log10(max(error, EPS) / agreement)
    if gained < 1:
        return f"{told}, as close as derivation and autodiff are to each other."
    return (
        f"{told}; derivation and autodiff agree to {counted(int(gained), 'more digit')}, which "
        "no difference could have told."
    )


NARRATIVE = Narrative(overview, {"1_errors": coordinates, "1_steps": steps})
