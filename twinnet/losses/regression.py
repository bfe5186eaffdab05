"""Regression of the cosine on a score."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Cosine
from twinnet.losses.base import Loss, columns_of, target_of
from twinnet.supervision import Supervision


class CosineRegressionLoss(Loss):
    """Mean squared error between the cosine of a pair and its score from 0 to 1.

    The regression objective of SBERT (Reimers and Gurevych 2019, section 3, https://arxiv.org/abs/1908.10084).
    """

    needs = frozenset({Supervision.SCORED_PAIRS})

    def __init__(self) -> None:
        super().__init__()
        self.distance = Cosine()

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and scores (B,) to a scalar."""
        a, b = columns_of(columns, 2)
        return F.mse_loss(self.distance.pairwise(a, b), target_of(target, columns).to(a.dtype))
