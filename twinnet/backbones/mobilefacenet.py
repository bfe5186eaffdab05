"""MobileFaceNet (Chen, Liu, Gao and Han 2018), with the names that the weights of foamliu's MobileFaceNet have."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features

# Expansion, channels, blocks and stride of each group of bottlenecks (Table 1 of the paper).
BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
WIDTH = 128


class MobileFaceNetBackbone(Backbone):
    """Faces (B, 3, 112, 112) -> vectors (B, 128), to be compared by their cosine.

    Args:
        checkpoint: A file of weights that torch can read without running code; a saved network brings its own.

    Raises:
        TwinnetError: If the file is missing, damaged, or holds other weights.
    """

    width = WIDTH
    traceable = True

    def __init__(self, checkpoint: str | None = None) -> None:
        super().__init__()
        self.conv1 = _conv(3, 64, 3, stride=2)
        self.dw_conv = Separable(64)
        blocks: list[nn.Module] = []
        channels = 64
        for expansion, width, count, stride in BOTTLENECKS:
            for number in range(count):
                blocks.append(Bottleneck(channels, width, expansion, stride if number == 0 else 1))
                channels = width
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv(channels, 512, 1)
        self.gdconv = GlobalDepthwise(512)
        self.conv3 = nn.Conv2d(512, WIDTH, 1)
        self.bn = nn.BatchNorm1d(WIDTH)
        if checkpoint is not None:
            self._take(Path(checkpoint))

    @property
    def config(self) -> dict[str, Any]:
        """Nothing: a saved network brings its own weights."""
        return {}

    def forward(self, batch: Batch) -> Features:
        """Faces (B, 3, 112, 112) -> vectors (B, 128)."""
        features = self.features(self.dw_conv(self.conv1(batch["pixels"])))  # (B, 128, 7, 7)
        features = self.conv3(self.gdconv(self.conv2(features)))  # (B, 128, 1, 1)
        return Features(self.bn(features.flatten(1)))

    def default_preprocess(self) -> Mapping[str, Any]:
        """ArcFace's crop of 112 pixels with ImageNet's mean and deviation."""
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        return {"name": "face", "crop": "arcface", "size": 112, "mean": mean, "std": std}

    def _take(self, path: Path) -> None:
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            self.load_state_dict(weights)
        except (OSError, EOFError, RuntimeError, TypeError, AttributeError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise TwinnetError(f"{path}: cannot be read as weights of a MobileFaceNet ({reason})") from error


class Separable(nn.Module):
    """A depthwise and a pointwise convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return F.relu(self.bn2(self.pointwise(F.relu(self.bn1(self.depthwise(features))))))


class Bottleneck(nn.Module):
    """MobileNetV2's inverted residual (Sandler et al. 2018)."""

    def __init__(self, inputs: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.skips = stride == 1 and inputs == width
        self.conv = nn.Sequential(
            _conv(inputs, wide, 1),
            _conv(wide, wide, 3, stride=stride, groups=wide),
            nn.Conv2d(wide, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H / stride, W / stride)."""
        changed: Tensor = self.conv(features)
        return features + changed if self.skips else changed


class GlobalDepthwise(nn.Module):
    """A depthwise convolution as large as the map: pooling with learned weights for each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 7, 7) -> (B, C, 1, 1)."""
        pooled: Tensor = self.bn(self.depthwise(features))
        return pooled


def _conv(inputs: int, outputs: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6())
