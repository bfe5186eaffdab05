"""SigNet, the network of Dey et al. 2017 for signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features

# The paper's alpha of 1e-4 multiplies a sum over five channels; torch's multiplies their mean.
ALPHA = 5 * 1e-4


class SigNet(Backbone):
    """Four convolutions and two fully connected layers (Dey et al. 2017, https://arxiv.org/abs/1707.02131, table 1).

    Args:
        size: Height and width of the input.
        narrow: By what the paper's numbers of channels (96, 256, 384, 256) and the width 1024 are divided: with 1 and
            the paper's input it has 113 million weights, and an image costs 8 billion multiplications.
        dim: Width of the embedding.

    Raises:
        TwinnetError: If the input is too small for three poolings.
    """

    traceable = True

    def __init__(self, size: Sequence[int] = (155, 220), narrow: int = 1, dim: int = 128) -> None:
        super().__init__()
        channels = [96 // narrow, 256 // narrow, 384 // narrow, 256 // narrow]
        sides = [_side(int(side)) for side in size]
        if min(sides) < 1:
            raise TwinnetError(f"size {tuple(size)} is too small for SigNet: 25 pixels a side are least")
        self.width = dim
        self.size = tuple(size)
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels[0], 11),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=ALPHA, beta=0.75, k=2),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(channels[0], channels[1], 5, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=ALPHA, beta=0.75, k=2),
            nn.MaxPool2d(3, 2),
            nn.Dropout(0.3),
            nn.Conv2d(channels[1], channels[2], 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels[2], channels[3], 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(channels[3] * sides[0] * sides[1], 1024 // narrow),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1024 // narrow, dim),
            nn.ReLU(),  # the authors' code ends in one too (https://github.com/sounakdey/SigNet)
        )

    def default_preprocess(self) -> Mapping[str, Any]:
        return {"name": "signature/dey", "size": list(self.size)}

    def forward(self, batch: Batch) -> Features:
        """Pixels (B, 1, H, W) to a vector (B, D)."""
        embedded: Tensor = self.layers(batch["pixels"])
        return Features(embedded)


def _side(pixels: int) -> int:
    """What is left of a side behind the first convolution and three poolings."""
    pixels -= 10
    for _ in range(3):
        pixels = (pixels - 3) // 2 + 1
    return pixels
