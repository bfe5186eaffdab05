"""The recipe of the shipped network: its parts, and what they are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork
from twinnet.registry import backbones
from twinnet.tracking.look import RECENT
from twinnet.tracking.training.settings import EXEMPLAR_SIZE

SEARCH_SIZE = 225
KERNEL = 7  # of the exemplar's cells, so many on each axis are compared
WIDTH = 128

# Boxes of single frames err much more than targets change; and what is learned from pairs is to be used.
INFERENCE = {"scale_damping": 0.1, "memory": RECENT}

# EfficientNet-Lite was trained on (pixel - 127) / 128.
LITE0_PIXELS = {"mean": [127.0] * 3, "std": [128.0] * 3}
IMAGENET_PIXELS = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}


def lite0(weights: str) -> dict[str, Any]:
    """EfficientNet-Lite0 up to its fifth stage, which has strides 8 and 16, with ImageNet weights from a file."""
    return {
        "name": "timm-pyramid",
        "model": "tf_efficientnet_lite0",
        "nodes": ["blocks.2", "blocks.4"],
        "width": WIDTH,
        "weights": weights,
    }


def new_network(
    backbone: str | Mapping[str, Any], boxes: bool = True, pixels: Mapping[str, Any] = IMAGENET_PIXELS
) -> TwinNetwork:
    """An untrained tracking network.

    Args:
        backbone: A backbone that gives maps.
        boxes: Whether it predicts a box at each place.
        pixels: The mean and the deviation of pixels that its weights were trained with, in levels from 0 to 255.

    Raises:
        TwinnetError: If the backbone gives no maps, or too coarse ones.
    """
    made: Backbone = backbones.create(backbone)
    if made.kind != "map" or made.stride is None:
        raise TwinnetError(f"a tracker needs maps, the backbone {type(made).__name__} gives {made.kind}s")
    if EXEMPLAR_SIZE // made.stride + 1 < KERNEL:
        raise TwinnetError(
            f"the backbone's cells of {made.stride} pixels are too coarse for exemplars of {EXEMPLAR_SIZE} pixels, of "
            f"which {KERNEL} x {KERNEL} cells are compared: take an earlier stage, as in "
            '{"name": "timm", "model": "resnet18", "out_index": 3}'
        )
    return TwinNetwork(
        made,
        [{"name": "neck", "blocks": 3}],
        {"name": "exemplar-cosine", "channels": made.width, "kernel": KERNEL, "stride": made.stride, "boxes": boxes},
        {
            "name": "tracking",
            "exemplar_size": EXEMPLAR_SIZE,
            "search_size": SEARCH_SIZE,
            "inference": INFERENCE,
            **pixels,
        },
    )
