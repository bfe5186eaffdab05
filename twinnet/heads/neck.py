"""Residual convolutions on maps."""

from __future__ import annotations

from torch import nn

from twinnet.features import Features
from twinnet.heads.base import HeadLayer


class Neck(HeadLayer):
    """Residual blocks of a depth-wise 3x3 and a point-wise convolution, which adapt a map to being correlated.

    Args:
        in_features: Channels of the map.
        blocks: How many blocks.
    """

    def __init__(self, in_features: int, blocks: int = 1) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_features, in_features, 3, padding=1, groups=in_features),
                nn.ReLU(),
                nn.Conv2d(in_features, in_features, 1),
            )
            for _ in range(blocks)
        )

    def forward(self, features: Features) -> Features:
        """(B, C, H, W) -> the same shape."""
        values = features.values
        for block in self.blocks:
            values = values + block(values)
        return features.with_values(values)
