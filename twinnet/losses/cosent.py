"""Ranking of pairs by their cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from twinnet.distances import Cosine
from twinnet.losses.base import Loss, columns_of, target_of
from twinnet.supervision import Supervision


class CoSENTLoss(Loss):
    """Wants the pair with the higher score to have the higher cosine, for every two pairs of the batch.

    log(1 + sum of exp(scale (cos_j - cos_i))) over all i, j where pair i has the higher score (Huang et al. 2024,
    CoSENT, https://doi.org/10.1109/TASLP.2024.3402087). Only the order of the scores counts.

    Args:
        scale: Factor on the cosines, the inverse of the temperature.
    """

    needs = frozenset({Supervision.SCORED_PAIRS, Supervision.LABELLED_PAIRS})

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        self.scale = scale
        self.distance = Cosine()

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and scores or labels (B,) to a scalar."""
        a, b = columns_of(columns, 2)
        wanted = target_of(target, columns)  # (B,)
        cosine = self.scale * self.distance.pairwise(a, b)  # (B,)
        excess = (cosine - cosine[:, None]).masked_fill(wanted[:, None] <= wanted, -math.inf)  # (B, B)
        return torch.cat([cosine.new_zeros(1), excess.flatten()]).logsumexp(0)
