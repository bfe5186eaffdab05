"""InfoNCE with the other rows of the batch as negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Distance
from twinnet.losses.base import Loss, columns_of, resolve_distance
from twinnet.supervision import Supervision


class InfoNCELoss(Loss):
    """Wants each anchor to pick its own positive out of all candidates of the batch.

    Cross entropy over scale * score(anchor, candidate), also known as multiple negatives ranking (van den Oord et al.
    2018, eq. 4, https://arxiv.org/abs/1807.03748; Henderson et al. 2017, section 4, https://arxiv.org/abs/1705.00652).
    The candidates of every anchor are the positives and the hard negatives of all rows: B (1 + negatives) of them, so
    memory grows with B^2.

    As in the papers, an item that occurs twice in a batch is a negative of its own copy: keep copies apart.

    Args:
        scale: Factor on the scores, the inverse of the temperature.
        symmetric: Whether to average with the other direction, where each positive picks its anchor out of all anchors.
        distance: A distance, or its name.
    """

    needs = frozenset({Supervision.PAIRS, Supervision.TRIPLETS})

    def __init__(self, scale: float = 20.0, symmetric: bool = False, distance: str | Distance = "cosine") -> None:
        super().__init__()
        self.scale = scale
        self.symmetric = symmetric
        self.distance = resolve_distance(distance)

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Anchor, positive and any number of negatives, each (B, D), to a scalar; the target is not used."""
        del target
        anchor, *candidates = columns_of(columns, 2, or_more=True)
        values = self.distance.matrix(anchor, torch.cat(candidates))
        logits = self.scale * self.distance.to_score(values)  # (B, B * candidates)
        own = torch.arange(len(anchor), device=anchor.device)
        loss = F.cross_entropy(logits, own)
        if self.symmetric:
            loss = (loss + F.cross_entropy(logits[:, : len(anchor)].T, own)) / 2
        return loss
