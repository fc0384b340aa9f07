"""Each claim run again: what moved, and why."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from experiments.common.claims import Verdict, judge
from experiments.common.progress import Progress
from experiments.common.provenance import flat, select
from experiments.common.words import counted
from experiments.verify.causes import Cause, Difference, differences, digests, reason
from experiments.verify.comparing import Moved, compare, differing
from experiments.verify.published import Published, judgement
from experiments.verify.rerun import measure, parts, rounded_otherwise
from mnist_jax.data import Mnist

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class Verified:
    """What was found of a claim."""

    id: str  # short name of the claim
    compared: int  # how many numbers were compared
    moved: list[Moved]  # the numbers that are not the same
    turned: list[Moved]  # the verdict and its checks, where they are not the same
    found: list[Difference]  # what differs between the published run and that of now
    same_judge: bool  # whether the published verdict follows from the published numbers

    @property
    def beyond(self) -> list[Moved]:
        """What moved by more than rounding, verdict and checks included."""
        return [each for each in (*self.moved, *self.turned) if not each.explained]

    @property
    def agrees(self) -> bool:
        """Whether nothing moved by more than rounding, and the file is as it was written."""
        return not self.beyond and all(each.cause is not Cause.FILE for each in self.found)

    @property
    def why(self) -> list[Difference]:
        """The reason that it does not agree: differences of one cause."""
        rounded = bool(self.moved) and all(each.explained for each in self.moved)
        return reason(self.found, by_rounding=rounded and self.same_judge)

    def __str__(self) -> str:
        compared = counted(self.compared, "number")
        if self.beyond:
            return f"MOVED ({compared} compared)"
        if not self.agrees:
            return f"CHANGED, though {compared} agree"
        if self.moved:
            return f"agrees to rounding, which moved {len(self.moved)} of {compared}"
        return f"agrees, {compared}"


def verify(claims: Sequence[Published], mnist: Mnist, progress: Progress) -> Iterator[Verified]:
    """Runs claims again, those of a task next to each other, and compares."""
    data = digests(mnist)
    for part in parts(claims):
        here = measure(part, mnist, progress)
        others: list[Metrics] = []
        if any(differing(_behind(c, c.record["numbers"]), _behind(c, here)) for c in part.claims):
            others = [*rounded_otherwise(part, mnist, progress)]
        for claim in part.claims:
            yield _verified(claim, here, others, differences(claim, data))


def _verified(
    claim: Published, here: Metrics, others: Sequence[Metrics], found: list[Difference]
) -> Verified:
    was, now = _behind(claim, claim.record["numbers"]), _behind(claim, here)
    moved = [*compare(was, now, [_behind(claim, each) for each in others])]
    then, today = claim.judgement, judgement(_judged(claim, here))
    turned = [
        Moved(name, then.get(name), today.get(name), None, explained=False)
        for name in differing(then, today)
    ]
    with suppress(LookupError, TypeError, ValueError):  # as of a file that lacks numbers
        same = judgement(_judged(claim, claim.record["numbers"])) == then
        return Verified(claim.id, len(was), moved, turned, found, same)
    return Verified(claim.id, len(was), moved, turned, found, same_judge=False)


def _behind(claim: Published, metrics: Metrics) -> dict[str, Any]:
    """The numbers behind a claim that can be compared, among the metrics of its task."""
    errors = flat(select(metrics, claim.claim.errors), lists=True)
    numbers = flat(select(metrics, claim.claim.numbers), lists=True)
    return {name: value for name, value in numbers.items() if name not in errors}


def _judged(claim: Published, metrics: Metrics) -> Metrics:
    settings = claim.settings
    if settings.data_set != "mnist":
        return {"verdict": Verdict.NOT_MEASURED, "checks": []}
    return asdict(judge(claim.claim, metrics, settings.changed()))
