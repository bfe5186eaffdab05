"""The contrastive loss on labelled pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Distance
from twinnet.losses.base import Loss, columns_of, resolve_distance, target_of
from twinnet.supervision import Supervision


class ContrastiveLoss(Loss):
    """Pulls same pairs together and pushes different ones a margin apart.

    With D the distance and Y the label, 1 = same: the mean of Y D^2 / 2 + (1 - Y) max(0, margin - D)^2 / 2
    (Hadsell, Chopra, LeCun 2006, eq. 4, where Y = 0 is same). Cosine stands for the cosine distance 1 - cos, which
    goes from 0 to 2.

    Args:
        margin: How far apart different items should be.
        distance: A distance, or its name.

    Raises:
        TwinnetError: If the distance is a similarity without a largest value, such as the dot product.
    """

    needs = frozenset({Supervision.LABELLED_PAIRS})

    def __init__(self, margin: float = 1.0, distance: str | Distance = "euclidean") -> None:
        super().__init__()
        self.margin = margin
        self.distance = resolve_distance(distance)
        self.distance.to_distance(torch.zeros(1))

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and labels (B,), 1 = same, to a scalar."""
        a, b = columns_of(columns, 2)
        same = target_of(target, columns).to(a.dtype)  # (B,)
        apart = self.distance.to_distance(self.distance.pairwise(a, b))  # (B,)
        losses = same * apart.square() + (1 - same) * F.relu(self.margin - apart).square()
        return losses.mean() / 2
