"""The triplet loss on triplets found in a batch of labelled items."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Distance
from twinnet.errors import unknown_name
from twinnet.losses.base import Loss, columns_of, no_loss, resolve_distance, target_of
from twinnet.supervision import Supervision

MINING = ("all", "batch-hard", "semi-hard")


class BatchTripletLoss(Loss):
    """The mean of max(d(a, p) - d(a, n) + margin, 0) over triplets of the batch.

    Which triplets these are is the mining:

    - "batch-hard": for each anchor its farthest positive and its closest negative (Hermans, Beyer, Leibe 2017, eq. 5,
      https://arxiv.org/abs/1703.07737).
    - "semi-hard": for each anchor and positive the closest of the negatives farther away than the positive (Schroff,
      Kalenichenko, Philbin 2015, eq. 4, https://arxiv.org/abs/1503.03832). One beyond the margin adds zero to the mean.
      If no negative is farther than the positive, the farthest negative is taken.
    - "all": every anchor with every positive and every negative; those that add zero count in the mean.

    An anchor without a positive or without a negative in the batch counts nowhere; a batch without triplets has loss 0.
    Mined semi-hard and all need memory for each positive pair times the batch.

    Args:
        mining: One of the three.
        margin: How much closer the positive should be.
        distance: A distance, or its name; a similarity counts as a distance with its sign turned.

    Raises:
        TwinnetError: If the mining is unknown.
    """

    needs = frozenset({Supervision.LABELS})

    def __init__(self, mining: str = "batch-hard", margin: float = 1.0, distance: str | Distance = "euclidean") -> None:
        super().__init__()
        if mining not in MINING:
            raise unknown_name("mining", mining, MINING)
        self.mining = mining
        self.margin = margin
        self.distance = resolve_distance(distance)

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """One column (B, D) and integer labels (B,) to a scalar."""
        (items,) = columns_of(columns, 1)
        labels = target_of(target, columns)
        apart = -self.distance.to_score(self.distance.matrix(items, items))  # (B, B)
        negative = labels[:, None] != labels  # (B, B)
        positive = ~negative & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positive &= negative.any(1, keepdim=True)
        mine = {"all": all_triplets, "batch-hard": batch_hard, "semi-hard": semi_hard}[self.mining]
        gaps = mine(apart, positive, negative)
        return F.relu(gaps + self.margin).mean() if len(gaps) else no_loss(items)


def batch_hard(apart: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """d(a, p) - d(a, n) of the hardest triplet of each anchor: three (B, B) -> (anchors,)."""
    anchors = positive.any(1)
    farthest = apart.masked_fill(~positive, -math.inf)[anchors].amax(1)
    closest = apart.masked_fill(~negative, math.inf)[anchors].amin(1)
    return farthest - closest


def semi_hard(apart: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """d(a, p) - d(a, n) of each positive pair with its semi-hard negative: three (B, B) -> (P,)."""
    near, far, negative = _by_positive_pair(apart, positive, negative)
    beyond = negative & (far > near)  # (P, B)
    closest = far.masked_fill(~beyond, math.inf).amin(1)
    farthest = far.masked_fill(~negative, -math.inf).amax(1)
    return near[:, 0] - torch.where(beyond.any(1), closest, farthest)


def all_triplets(apart: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """d(a, p) - d(a, n) of every triplet: three (B, B) -> (triplets,)."""
    near, far, negative = _by_positive_pair(apart, positive, negative)
    return (near - far)[negative]


def _by_positive_pair(apart: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each of the P positive pairs: distance (P, 1), distances from the anchor (P, B), its negatives (P, B)."""
    anchors, positives = torch.where(positive)
    return apart[anchors, positives][:, None], apart[anchors], negative[anchors]
