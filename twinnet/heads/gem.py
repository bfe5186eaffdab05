"""Generalised-mean pooling."""

from __future__ import annotations

import torch
from torch import nn

from twinnet.features import Features
from twinnet.heads.base import HeadLayer
from twinnet.heads.pooling import as_sequence


class GeM(HeadLayer):
    """Pools by the root of the mean of powers, with a power that is learned: 1 is the mean, infinity the maximum.

    Values below `floor` count as `floor` (Radenović, Tolias, Chum 2018, eq. 3, https://arxiv.org/abs/1711.02512).

    Args:
        power: Where the power starts.
        floor: The least value; powers of negative ones make no sense.
    """

    def __init__(self, power: float = 3.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor([power]))
        self.floor = floor

    def forward(self, features: Features) -> Features:
        """(B, T, D) or (B, C, H, W) -> (B, D)."""
        values, mask = as_sequence(features)  # (B, T, D), (B, T)
        real = mask[:, :, None]
        above = torch.where(real > 0, values.clamp_min(self.floor), self.floor)  # (B, T, D)
        # As shares of the largest, whose powers are in range whatever the power is.
        largest = above.detach().amax(1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)  # (B, 1, D)
        powers = (above / largest).pow(self.power) * real
        mean = powers.sum(1) / mask.sum(1, keepdim=True).clamp_min(1)  # (B, D)
        return Features(mean.pow(1 / self.power) * largest[:, 0])
