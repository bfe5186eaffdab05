"""dlib's face descriptor: a residual network with 5.6 million weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.features import Batch, Features

# Channels and blocks of the levels; every level but the first begins by halving its input.
LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
WIDTH = 128


class DlibFaceBackbone(Backbone):
    """King's ResNet with 29 convolutions (dlib/dnn_face_recognition_ex.cpp).

    Pictures (B, 3, 150, 150) -> vectors (B, 128), nearer than about 0.6 for one person. What is left of dlib's batch
    norm after its training, an affine layer, is part of the convolutions here. `twinnet.load("face")` has its weights.
    """

    width = WIDTH
    traceable = True

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, LEVELS[0][0], 7, stride=2)
        blocks: list[nn.Module] = []
        channels = LEVELS[0][0]
        for level, (width, count) in enumerate(LEVELS):
            for number in range(count):
                blocks.append(Residual(channels, width, halves=level > 0 and number == 0))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.project = nn.Linear(channels, WIDTH, bias=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> vectors (B, 128)."""
        pixels = batch["pixels"].to(memory_format=torch.channels_last)
        features = F.max_pool2d(F.relu(self.stem(pixels)), 3, stride=2)  # (B, 32, 35, 35)
        features = self.blocks(features)  # (B, 256, 2, 2)
        return Features(self.project(features.mean((2, 3))))

    def default_preprocess(self) -> Mapping[str, Any]:
        """Aligned faces of dlib's size."""
        return {"name": "face"}


class Residual(nn.Module):
    """Two convolutions beside a skip; a skip that halves is averaged and padded with zeros (dlib's residual_down).

    Args:
        inputs: Channels that come in.
        width: Channels that go out.
        halves: Whether the sides are halved.
    """

    def __init__(self, inputs: int, width: int, *, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.first = nn.Conv2d(inputs, width, 3, stride=2 if halves else 1, padding=0 if halves else 1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H, W), or half of H and W."""
        skip = F.avg_pool2d(features, 2) if self.halves else features
        changed = self.second(F.relu(self.first(features)))
        if self.halves:
            # dlib's sum is as large as the larger of the two in each direction; what is missing counts as zero.
            size = [max(pair) for pair in zip(skip.shape, changed.shape, strict=True)]
            skip, changed = _pad(skip, size), _pad(changed, size)
        return F.relu(skip + changed)


def _pad(features: Tensor, size: list[int]) -> Tensor:
    _, channels, height, width = features.shape
    return F.pad(features, (0, size[3] - width, 0, size[2] - height, 0, size[1] - channels))
