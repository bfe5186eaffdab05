"""A learned weight for each dimension."""

from __future__ import annotations

import torch
from torch import nn

from twinnet.features import Features
from twinnet.heads.base import HeadLayer


class Scale(HeadLayer):
    """Multiplies each dimension by a positive weight of its own, which is 1 before training.

    Under a cosine, with `normalize` behind it, this is the smallest supervised metric there is: it can learn which
    dimensions tell, and not invent new ones.

    Args:
        in_features: Width of the embedding.
    """

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.log_weight = nn.Parameter(torch.zeros(in_features))

    def forward(self, features: Features) -> Features:
        """(B, D) -> (B, D)."""
        return features.with_values(features.values * self.log_weight.exp())
