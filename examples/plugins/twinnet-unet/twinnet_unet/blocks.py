"""The two halves of a U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Of the four stages: channels, as multiples of the width, and convolutions.
CHANNELS = (1, 2, 4, 8)
CONVOLUTIONS = (2, 2, 3, 3)
STRIDE = 2 ** len(CHANNELS)


def convolutions(*channels: int, dropout: float) -> nn.Sequential:
    """A chain of 3x3 convolutions through these numbers of channels, each with normalisation, ReLU and dropout."""
    steps = pairwise(channels)
    blocks = [[nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.Dropout2d(dropout)] for a, b in steps]
    return nn.Sequential(*(layer for block in blocks for layer in block))


class Encoder(nn.Module):
    """The contracting half (Daudt et al. 2018, https://arxiv.org/abs/1810.08462, figure 1; there the width is 16).

    Args:
        width: Channels of the first stage.
        dropout: Share of the channels that are left out in training.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        before = 3
        for factor, count in zip(CHANNELS, CONVOLUTIONS, strict=True):
            self.stages.append(convolutions(before, *[factor * width] * count, dropout=dropout))
            before = factor * width

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> the maps of the stages at strides 1, 2, 4 and 8, and the last one pooled to stride 16."""
        maps = []
        values = pixels
        for stage in self.stages:
            maps.append(stage(values))
            values = F.max_pool2d(maps[-1], 2)
        return [*maps, values]


class Decoder(nn.Module):
    """The expanding half, which takes the maps of each stage in again.

    Args:
        width: Channels of the encoder's first stage.
        sides: How many maps of each stage it takes: those of both pictures, or one.
        out: Channels that come out.
        dropout: Share of the channels that are left out in training.
    """

    def __init__(self, width: int, sides: int, out: int, dropout: float) -> None:
        super().__init__()
        self.enlarge = nn.ModuleList()
        self.stages = nn.ModuleList()
        for factor, count in zip(reversed(CHANNELS), reversed(CONVOLUTIONS), strict=True):
            inside = factor * width
            self.enlarge.append(nn.ConvTranspose2d(inside, inside, 3, stride=2, padding=1, output_padding=1))
            joined, last = inside * (1 + sides), max(inside // 2, width)
            if factor > 1:
                self.stages.append(convolutions(joined, *[inside] * (count - 1), last, dropout=dropout))
            else:
                self.stages.append(
                    nn.Sequential(convolutions(joined, inside, dropout=dropout), nn.Conv2d(inside, out, 3, padding=1))
                )

    def forward(self, deepest: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Decode.

        Args:
            deepest: The map at stride 16.
            skips: The maps of the stages, from stride 1 to 8, those of both pictures joined if there are two sides.

        Returns:
            (B, out, H, W), at stride 1.
        """
        values = deepest
        for enlarge, stage, skip in zip(self.enlarge, self.stages, reversed(skips), strict=True):
            values = stage(torch.cat([enlarge(values), skip], 1))
        return values
