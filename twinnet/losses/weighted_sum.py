"""Several losses at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from twinnet.distances import Distance
from twinnet.errors import TwinnetError
from twinnet.losses.base import Loss
from twinnet.losses.making import make_loss
from twinnet.supervision import Supervision


class WeightedSum(Loss):
    """The sum of losses on the same embeddings, each with its weight.

    Args:
        losses: Names, or mappings with the key "name", options, and "weight" (1 unless given).
        dim: Width of the embeddings, for losses that ask for it.
        classes: Number of classes, likewise.
        distance: The network's distance, likewise.

    Raises:
        TwinnetError: If there is none, one cannot be made, or no kind of data suits them all.
    """

    needs = frozenset(Supervision)

    def __init__(
        self,
        losses: Sequence[str | Mapping[str, Any]],
        dim: int | None = None,
        classes: int | None = None,
        distance: Distance | None = None,
    ) -> None:
        super().__init__()
        specs = [{"name": spec} if isinstance(spec, str) else dict(spec) for spec in losses]
        self.weights = [float(spec.pop("weight", 1.0)) for spec in specs]
        if not specs:
            raise TwinnetError("a sum of losses needs one at least")
        parts = [make_loss(spec, distance, dim, classes) for spec in specs]
        self.parts = nn.ModuleList(parts)
        self.needs = frozenset.intersection(*(part.needs for part in parts))
        if not self.needs:
            names = ", ".join(type(part).__name__ for part in parts)
            raise TwinnetError(f"no kind of data suits all of these losses: {names}")

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Embeddings (B, D) of each column and what the data says of each row (B,) to a scalar."""
        values = [weight * part(columns, target) for weight, part in zip(self.weights, self.parts, strict=True)]
        total: Tensor = sum(values[1:], values[0])
        return total
