"""The triplet loss on triplets that the data gives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Distance
from twinnet.losses.base import Loss, columns_of, resolve_distance
from twinnet.supervision import Supervision


class TripletLoss(Loss):
    """Wants the positive closer to the anchor than the negative, by a margin.

    The mean over all triplets of max(||a - p|| - ||a - n|| + margin, 0) (Reimers and Gurevych 2019, section 3,
    https://arxiv.org/abs/1908.10084). Each further negative of a row makes a triplet with its anchor and positive.

    Args:
        margin: How much closer the positive should be.
        distance: A distance, or its name; a similarity counts as a distance with its sign turned.
    """

    needs = frozenset({Supervision.TRIPLETS})

    def __init__(self, margin: float = 1.0, distance: str | Distance = "euclidean") -> None:
        super().__init__()
        self.margin = margin
        self.distance = resolve_distance(distance)

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Anchor, positive and one or more negatives, each (B, D), to a scalar; the target is not used."""
        del target
        anchor, positive, *negatives = columns_of(columns, 3, or_more=True)
        near = self._score(anchor, positive)  # (B,)
        far = torch.stack([self._score(anchor, negative) for negative in negatives])  # (negatives, B)
        return F.relu(far - near + self.margin).mean()

    def _score(self, a: Tensor, b: Tensor) -> Tensor:
        return self.distance.to_score(self.distance.pairwise(a, b))
