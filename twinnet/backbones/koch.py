"""The network of Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from twinnet.backbones.base import Backbone
from twinnet.features import Batch, Features

WIDTH = 4096


class KochBackbone(Backbone):
    """Four convolutions and a fully connected layer of 4,096 sigmoid units (figure 4), for grey pictures of 105 x 105.

    His network compares the vectors with the distance "weighted-l1" and learns from labelled pairs with the loss
    "logistic" (section 3.1). The weights start as in section 3.2: convolutions from N(0, 0.01), the fully connected
    layer from N(0, 0.2), biases from N(0.5, 0.01).
    """

    kind = "vector"
    width = WIDTH
    traceable = True

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(1, 64, 10),  # 105 -> 96 -> 48
            *_convolution(64, 128, 7),  # 48 -> 42 -> 21
            *_convolution(128, 128, 4),  # 21 -> 18 -> 9
            nn.Conv2d(128, 256, 4),  # 9 -> 6
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256 * 6 * 6, WIDTH),
            nn.Sigmoid(),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, 0.0, 0.01 if isinstance(layer, nn.Conv2d) else 0.2)
                nn.init.normal_(layer.bias, 0.5, 0.01)  # type: ignore[arg-type]

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 1, 105, 105) -> (B, 4096)."""
        return Features(self.layers(batch["pixels"]))

    def default_preprocess(self) -> Mapping[str, Any]:
        """Grey values from 0 to 1."""
        return {"name": "image", "size": [105, 105], "mean": [0.0], "std": [1.0]}


def _convolution(inputs: int, outputs: int, size: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, size), nn.ReLU(), nn.MaxPool2d(2)
