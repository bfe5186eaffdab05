"""Logistic regression on the score of a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.distances import Distance
from twinnet.errors import TwinnetError
from twinnet.losses.base import Loss, columns_of, resolve_distance, target_of
from twinnet.supervision import Supervision


class LogisticLoss(Loss):
    """Binary cross entropy of sigmoid(scale * score + bias) with the label, 1 = same.

    The objective of Koch, Zemel, Salakhutdinov 2015 (sections 3.1, 3.2), with the distance "weighted-l1" there. Scale
    and bias are weights of the loss; the scale stays positive, so that closer always means more probably the same.

    Args:
        distance: A distance, or its name; that of the network in training.
        scale: The scale to start from. Cosines lie close together and learn faster from a start at 10 with bias -5.
        bias: The bias to start from.

    Raises:
        TwinnetError: If there is no distance, or the scale is not positive.
    """

    needs = frozenset({Supervision.LABELLED_PAIRS})

    def __init__(self, distance: str | Distance | None = None, scale: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        if distance is None:
            raise TwinnetError(
                "the logistic loss needs a distance: pass the network's, or a name as in distance='cosine'"
            )
        if not scale > 0:
            raise TwinnetError(f"the scale of the logistic loss must be positive, not {scale}")
        self.distance = resolve_distance(distance)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def logits(self, columns: Sequence[Tensor]) -> Tensor:
        """The log-odds that each pair is the same: two columns (B, D) -> (B,)."""
        a, b = columns_of(columns, 2)
        return self.log_scale.exp() * self.distance.to_score(self.distance.pairwise(a, b)) + self.bias

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and labels (B,), 1 = same, to a scalar."""
        logits = self.logits(columns)
        return F.binary_cross_entropy_with_logits(logits, target_of(target, columns).to(logits.dtype))
