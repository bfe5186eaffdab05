"""Classification of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.losses.base import Loss, columns_of, target_of
from twinnet.supervision import Supervision


class SoftmaxLoss(Loss):
    """Cross entropy of softmax(W (u, v, |u - v|) + b) with the class of the pair.

    The classification objective of SBERT (Reimers and Gurevych 2019, section 3, https://arxiv.org/abs/1908.10084); the
    bias is that of its published code. W and b are weights of the loss.

    Args:
        dim: Width D of the embeddings.
        classes: Number of classes.
    """

    needs = frozenset({Supervision.CLASS_PAIRS})

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(3 * dim, classes)

    def logits(self, columns: Sequence[Tensor]) -> Tensor:
        """The unnormalised log-probability of each class: two columns (B, D) -> (B, classes)."""
        u, v = columns_of(columns, 2)
        logits: Tensor = self.classifier(torch.cat([u, v, (u - v).abs()], dim=1))
        return logits

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Two columns (B, D) and integer classes (B,) to a scalar."""
        return F.cross_entropy(self.logits(columns), target_of(target, columns).long())
