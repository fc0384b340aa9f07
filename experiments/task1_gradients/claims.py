"""The claims of tasks 1a, 1b and 4a: the three gradients."""

from experiments.common.claims import Check, Claim, Finding, Metrics


def gradient(task: str) -> Claim:
    """The claim that a gradient is the derivative of its loss."""
    subject = {
        "1a": "the gradient of the binary cross entropy is -(y - ŷ) x",
        "1b": "the gradient of the categorical cross entropy is -x (y - ŷ)",
        "4a": "the penalty adds 2 λ w to the gradient",
    }

    def find(metrics: Metrics) -> Finding:
        worst = metrics["task1_gradients"]["gradients"][task]
        checks = [
            Check(f"passes every check in {name}", numbers["passes"])
            for name, numbers in worst.items()
        ]
        largest = ", ".join(f"{n['relative']:.1e} in {name}" for name, n in worst.items())
        return Finding(f"largest relative error {largest}", checks)

    return Claim(
        f"gradient-{task}", "task1_gradients", subject[task], find, ("batch_size",), "1_errors.png"
    )


CLAIMS = tuple(gradient(task) for task in ("1a", "1b", "4a"))
