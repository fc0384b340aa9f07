"""Several devices: each takes some of the runs, or some of every batch."""

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
    """On which devices runs are trained.

    Attributes:
        devices: Some of `jax.devices()`; none for JAX's default device.
        shared: What the devices share out among them: runs, which never talk to each other; or
            the examples of every batch, whose gradients are summed over the devices at each step.
    """

    devices: tuple[Any, ...] = ()
    shared: Shared = "runs"

    def rounded_up(self, orders: int) -> int:
        """So many batch orders that the devices can share them; a single one can't be shared."""
        count = len(self.devices)
        if self.shared == "batches" or count < 2 or orders == 1:
            return orders
        return -(-orders // count) * count

    def check(self, orders: int, runs: int, batch_size: int) -> None:
        """Checks that the work divides evenly.

        Raises:
            UsageError: If it does not.
        """
        count = max(1, len(self.devices))
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
        """The same on every device."""
        return self._put(tree, PartitionSpec())

    def runs(self, tree: Tree) -> Tree:
        """Arrays with leading axes (orders, runs)."""
        if self.shared == "batches":
            return self.everywhere(tree)
        orders = jax.tree.leaves(tree)[0].shape[0]
        shared_orders = orders % max(1, len(self.devices)) == 0
        return self._put(tree, PartitionSpec(*("devices",) if shared_orders else (None, "devices")))

    def batches(
        self, rows: Int32[np.ndarray, "periods steps orders B"]
    ) -> Int32[np.ndarray | jax.Array, "periods steps orders B"]:
        """The indices of the examples of each batch."""
        if self.shared == "batches":
            return self._put(rows, PartitionSpec(None, None, None, "devices"))
        shared_orders = rows.shape[2] % max(1, len(self.devices)) == 0
        return self._put(
            rows, PartitionSpec(None, None, "devices") if shared_orders else PartitionSpec()
        )

    def _put(self, tree: Tree, spec: PartitionSpec) -> Tree:
        if not self.devices:
            return tree
        mesh = Mesh(np.array(self.devices), ("devices",))
        return jax.device_put(tree, NamedSharding(mesh, spec))
