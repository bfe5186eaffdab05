"""A loss: what a network is trained to."""

from collections.abc import Sequence

import torch
from torch import Tensor
from twinnet.losses.base import Loss, columns_of, resolve_distance, target_of
from twinnet.supervision import Supervision


class TwoMargins(Loss):
    """Draws same pairs nearer than one margin, pushes others farther than another."""

    needs = frozenset({Supervision.LABELLED_PAIRS})

    def __init__(self, near: float = 0.5, far: float = 1.5) -> None:
        super().__init__()
        self.near, self.far = near, far
        self.distance = resolve_distance("euclidean")

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and labels (B,), 1 = same -> a scalar."""
        a, b = columns_of(columns, 2)
        same = target_of(target, columns) > 0
        apart = self.distance.pairwise(a, b)  # (B,)
        return torch.where(same, apart - self.near, self.far - apart).relu().mean()
