"""A residual network for small pictures in which detail counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features


class SmallResNet(Backbone):
    """A stem of stride 2 without pooling, then stages of basic blocks (He et al. 2015, figure 5), one for each width.

    Every stage but the first halves the map: with four widths, a picture of 56 x 56 becomes a map of 4 x 4.

    Args:
        channels: The width of each stage.
        in_channels: 1 for grey pictures, 3 for colour.
        blocks: How many blocks each stage has; one unless given.

    Raises:
        TwinnetError: If there is no stage, or one without a block.
    """

    kind = "map"
    traceable = True

    def __init__(
        self, channels: Sequence[int] = (16, 48, 96, 192), in_channels: int = 1, blocks: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        blocks = [1] * len(channels) if blocks is None else blocks
        if not channels or len(blocks) != len(channels) or min(blocks) < 1:
            raise TwinnetError(f"a small-resnet of widths {list(channels)} needs one block or more for each of them")
        self.width = channels[-1]
        self.stride = 2 ** len(channels)
        self.in_channels = in_channels
        first = channels[0]
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, first, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(first), nn.ReLU(True)
        )
        layers, inputs = [], first
        for stage, (width, count) in enumerate(zip(channels, blocks, strict=True)):
            for number in range(count):
                layers.append(_block(inputs, width, 2 if stage and not number else 1))
                inputs = width
        self.blocks = nn.Sequential(*layers)
        self.to(memory_format=torch.channels_last)

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, C, H, W) -> (B, width, H / stride, W / stride), rounded up."""
        return Features(self.blocks(self.stem(batch["pixels"])))

    def default_preprocess(self) -> Mapping[str, Any]:
        """Pictures of 56 x 56 with values from 0 to 1."""
        none, one = [0.0] * self.in_channels, [1.0] * self.in_channels
        return {"name": "image", "size": [56, 56], "mean": none, "std": one}


def _block(inputs: int, outputs: int, stride: int) -> BasicBlock:
    if stride == 1 and inputs == outputs:
        return BasicBlock(inputs, outputs)
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, shortcut)
