"""Dropout with cheap random numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Of the 16 random bits that decide for each value.
LEVELS = 1 << 16


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, several times as fast on CPUs, where torch draws 53 random bits for each value, one by one.

    Args:
        p: The share that is dropped, rounded to a multiple of 1 / 65536.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Of any shape."""
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        return input * kept(input, self.p)


def kept(values: Tensor, share: float) -> Tensor:
    """What to multiply values of any shape with, to drop that share of them and keep the mean."""
    dropped = round(share * LEVELS)
    if dropped == LEVELS:
        return torch.zeros_like(values)
    drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device).random_(-(2**63), None)
    stays = drawn.view(torch.int16)[: values.numel()].view(values.shape) >= dropped - LEVELS // 2
    return stays.to(values.dtype).mul_(LEVELS / (LEVELS - dropped))
