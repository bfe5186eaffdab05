"""What flows between the parts of a tower: batches in, features out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Features:
    """The output of a backbone or of a head layer.

    Attributes:
        values: A vector (B, D), a sequence (B, T, D) or a map (B, C, H, W) for each item.
        mask: Which positions of a sequence are real (B, T), 1 or 0; None means all of them.
        prefix: How many leading positions belong to a prompt and not to the item.
    """

    values: Tensor
    mask: Tensor | None = None
    prefix: int = 0

    @property
    def kind(self) -> str:
        """The kind: "vector", "sequence" or "map"."""
        return {2: "vector", 3: "sequence", 4: "map"}[self.values.ndim]

    def with_values(self, values: Tensor) -> Features:
        """The same features with other values."""
        return replace(self, values=values)
