"""What of the training depends on the device, in one place, each with its reason.

Those of a CPU are measured. Those of an accelerator follow from what the compilers for an H100 and
a TPU v5e make of the programs (`python -m experiments.accelerators`); only an H200 ran them.
Weights, losses and accuracies are the same with both.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax


@dataclass(frozen=True)
class Tuning:
    """How the work is cut and looped over on a kind of device; static, like the settings.

    Attributes:
        tile: Training images whose accuracy is one product, at most.
        predictions: Predictions of one such product, at most; None for any number.
        wide: Weights whose training accuracy is counted together, where a program has few runs.
        set_aside: Weights that a program of several periods sets aside for the count, at most; None
            for any number.
        check_each_step: Whether each step looks for new weights that are not finite. Otherwise a
            program looks once, at its end, and the host repeats one that found some.
        whole_periods: Whether steps and validations that are left out are computed and thrown away,
            so that all periods do the same.
        on_chip: Bytes of the memory beside the cores, which holds a program's temporaries if all of
            them fit; 0 where there is none.
        padding: What arrays take in memory, over what they hold.
    """

    tile: int
    predictions: int | None
    wide: int
    set_aside: int | None
    check_each_step: bool
    whole_periods: bool
    on_chip: int = 0
    padding: float = 1.0

    def rows(self, weights: int) -> int:
        """The most training images of one product with so many weights.

        Example:
            >>> CPU.rows(640), GPU.rows(10_000)
            (1000, 209)
        """
        if self.predictions is None:
            return self.tile
        return max(1, min(self.tile, self.predictions // weights))


CPU = Tuning(
    # rows of a product whose result stays in the cache: with 640 columns, 59 ms for 18,000 rows
    # instead of 72 ms at once (two cores)
    tile=1000,
    predictions=None,
    # of ten digits, 0.9 ms each instead of 2.3 ms (two cores)
    wide=40,
    set_aside=None,
    # weights are in the cache; a program that is repeated costs more than the checks
    check_each_step=True,
    # a loop whose end is known only at run time costs nothing; a step does
    whole_periods=False,
)
GPU = Tuning(
    # no cache holds a result, and a product of 1,000 rows is too small for all cores
    tile=1 << 16,
    # logits of ten classes in 84 MB; still thousands of blocks of a kernel
    predictions=1 << 21,
    wide=40,
    # a copy of 10,000 runs' weights is 314 MB; 1,000 runs still count five periods at a time
    set_aside=10_000,
    # the check reads weights and gradient once more: seven passes over the weights instead of five
    # on an H100; on a TPU, where gradient and update are then one kernel, three
    check_each_step=False,
    # a GPU asks the host before each step of a loop whose end is known only at run time; and
    # devices that share runs would tell each other what a branch gives
    whole_periods=True,
)
# tiles of 8 x 128 numbers: what 1,000 and 10,000 runs take, over what they hold
TPU = replace(GPU, on_chip=128 * 2**20, padding=1.035)


def tuning(devices: tuple[Any, ...] = ()) -> Tuning:
    """The tuning of the devices that train, by default JAX's own."""
    platform = devices[0].platform if devices else jax.default_backend()
    return {"cpu": CPU, "tpu": TPU}.get(platform, GPU)
