"""Distribution of runs, or of the examples of each batch, over devices."""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Int32

from mnist_jax.errors import UsageError

Tree = TypeVar("Tree")
Shared = Literal["runs", "batches"]


@dataclass(frozen=True)
class Placement:
    """Devices of a training, and how they divide the work.

    Attributes:
        devices: Devices from `jax.devices()`; empty for JAX's default device.
        shared: Unit that the devices divide: `"runs"`, which are independent; or `"batches"`, whose
            gradients are summed over the devices in each step.
    """

    devices: tuple[Any, ...] = ()
    shared: Shared = "runs"

    @property
    def count(self) -> int:
        """Number of devices, 1 for JAX's default device."""
        return max(1, len(self.devices))

    def rounded_up(self, orders: int) -> int:
        """Rounds a number of batch orders up to a multiple of the devices, unless it is 1."""
        if self.shared == "batches" or orders == 1:
            return orders
        return -(-orders // self.count) * self.count

    def check(self, orders: int, runs: int, batch_size: int) -> None:
        """Raises a UsageError if the work does not divide evenly."""
        count = self.count
        if self.shared == "batches" and batch_size % count:
            raise UsageError(
                f"batch_size is {batch_size}, but there are {count} devices to share a batch: give "
                f"a multiple of {count}, or fewer devices."
            )
        if self.shared == "runs" and orders % count and runs % count:
            raise UsageError(
                f"there are {runs} runs of one batch order, but {count} devices to share them: "
                f"give a multiple of {count}, several seeds, or fewer devices."
            )

    def everywhere(self, tree: Tree) -> Tree:
        """Copies arrays to every device."""
        return self._put(tree, PartitionSpec())

    def runs(self, tree: Tree) -> Tree:
        """Distributes arrays with leading axes (orders, runs)."""
        if self.shared == "batches":
            return self.everywhere(tree)
        orders = jax.tree.leaves(tree)[0].shape[0]
        shared_orders = orders % self.count == 0
        return self._put(tree, PartitionSpec(*("devices",) if shared_orders else (None, "devices")))

    def batches(
        self, rows: Int32[np.ndarray, "periods steps orders B"]
    ) -> Int32[np.ndarray | jax.Array, "periods steps orders B"]:
        """Distributes the indices of the examples of each batch."""
        if self.shared == "batches":
            return self._put(rows, PartitionSpec(None, None, None, "devices"))
        shared_orders = rows.shape[2] % self.count == 0
        return self._put(
            rows, PartitionSpec(None, None, "devices") if shared_orders else PartitionSpec()
        )

    def _put(self, tree: Tree, spec: PartitionSpec) -> Tree:
        if not self.devices:
            return tree
        mesh = Mesh(np.array(self.devices), ("devices",))
        return jax.device_put(tree, NamedSharding(mesh, spec))
