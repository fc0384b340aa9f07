"""Parameters of the training that depend on the device, each with its reason.

The values for a CPU are measured. Those for an accelerator follow from the programs compiled for
an H100 and a TPU v5e (`python -m experiments.accelerators`); only an H200 ran them. Weights, losses
and accuracies do not depend on these values.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax


@dataclass(frozen=True)
class Tuning:
    """Tuning parameters of a kind of device, which are static like the settings.

    Attributes:
        tile: Largest number of training images in one product of the count of accuracy.
        predictions: Largest number of predictions in one such product; None for no limit.
        wide: Number of weights whose training accuracy is counted together, if a program has few
            runs.
        max_collected: Largest number of weights that a program of several periods collects for the
            count; None for no limit.
        check_each_step: Whether each step checks that the new weights are finite. Otherwise a
            program checks once, at its end, and the host repeats it if the check fails.
        masked_padding: Whether padding steps and validations are computed and discarded, so that
            all periods run the same operations.
        on_chip: Number of bytes of on-chip memory, which holds the temporaries of a program if all
            of them fit; 0 for none.
        padding: Ratio of the memory of an array to its content.
    """

    tile: int
    predictions: int | None
    wide: int
    max_collected: int | None
    check_each_step: bool
    masked_padding: bool
    on_chip: int = 0
    padding: float = 1.0

    def rows(self, weights: int) -> int:
        """Returns the largest number of training images in one product with a number of weights.

        Example:
            >>> CPU.rows(640), GPU.rows(10_000)
            (1000, 209)
        """
        if self.predictions is None:
            return self.tile
        return max(1, min(self.tile, self.predictions // weights))


CPU = Tuning(
    # the result of a product stays in the cache: with 640 columns, 18,000 rows take 59 ms instead
    # of 72 ms in one product (two cores)
    tile=1000,
    predictions=None,
    # with ten digits, 0.9 ms each instead of 2.3 ms (two cores)
    wide=40,
    max_collected=None,
    # weights are in the cache; the checks cost less than repeating a program
    check_each_step=True,
    # a loop of dynamic length costs nothing; a padding step would
    masked_padding=False,
)
GPU = Tuning(
    # results exceed every cache, and a product of 1,000 rows is too small for all cores
    tile=1 << 16,
    # logits of ten classes take 84 MB; a kernel still has thousands of blocks
    predictions=1 << 21,
    wide=40,
    # a copy of 10,000 runs' weights takes 314 MB; 1,000 runs still count five periods together
    max_collected=10_000,
    # the check reads weights and gradient again: without it, a step makes five passes over the
    # weights instead of seven on an H100; three on a TPU, which then fuses gradient and update
    check_each_step=False,
    # a GPU asks the host before each step of a loop of dynamic length, and devices that share runs
    # would exchange the result of a branch
    masked_padding=True,
)
# arrays are padded to tiles of 8 x 128 numbers: the ratio for 1,000 and 10,000 runs
TPU = replace(GPU, on_chip=128 * 2**20, padding=1.035)


def tuning(devices: tuple[Any, ...] = ()) -> Tuning:
    """Returns the tuning of the devices, by default JAX's default device."""
    platform = devices[0].platform if devices else jax.default_backend()
    return {"cpu": CPU, "tpu": TPU}.get(platform, GPU)
