"""All families of runs, and all claims that are judged on them."""

from typing import NamedTuple

from experiments.robustness import (
    batches,
    held_out,
    optimum,
    pairs,
    penalty,
    regularizing,
    spiking,
    stopping,
    validation,
)
from experiments.robustness.batches import Batches
from experiments.robustness.declared import Declared
from experiments.robustness.parts import Part, Tables
from experiments.robustness.specification import Multiverse
from mnist_jax.data import Mnist


class Found(NamedTuple):
    """What was found.

    Attributes:
        multiverses: Every claim in all of its settings.
        batches: Batches of the report's own setting of 2e.
        runs: The runs of 3d.
    """

    multiverses: list[Multiverse]
    batches: Batches
    runs: list[validation.Run]


def families(declared: Declared) -> dict[str, list[Part]]:
    """The parts of each family; the longest parts come first, so that no processor waits for them.

    Those of `optimum` and `penalty` take up to a minute, those of `pairs` a few seconds.
    """
    return {
        "optimum": optimum.parts(declared.optimum),
        "penalty": penalty.parts(declared.penalty),
        "held_out": held_out.parts(declared.held_out),
        "every_step": [*pairs.parts(declared.every_step), batches.rotations()],
        "pairs": pairs.parts(declared.pairs),
    }


def judge(declared: Declared, tables: Tables, mnist: Mnist) -> Found:
    """Judge every claim about training in all of its settings."""
    curves = stopping.read(declared.pairs, tables["pairs"], mnist)
    every_step = stopping.read(declared.every_step, tables["every_step"], mnist)
    content, own = batches.measure(mnist, every_step, tables["every_step"][batches.ROTATIONS])
    runs = validation.read(declared.held_out, tables["held_out"])
    multiverses = [
        *stopping.multiverses(declared, curves),
        *spiking.multiverses(declared, curves, every_step, content),
        *validation.multiverses(runs),
        *regularizing.multiverses(declared, tables["penalty"], tables["optimum"]),
    ]
    return Found(multiverses, own, runs)
