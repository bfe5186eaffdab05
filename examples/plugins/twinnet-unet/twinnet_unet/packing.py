"""Maps of several strides as one map, so that they are an embedding like any other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet_unet.blocks import CHANNELS, STRIDE

STRIDES = tuple(2**stage for stage in range(len(CHANNELS) + 1))
# What a cell of the packed map holds for each channel of the first stage.
CELL = sum(factor * (STRIDE // stride) ** 2 for factor, stride in zip((*CHANNELS, CHANNELS[-1]), STRIDES, strict=True))


def pack(maps: Sequence[Tensor]) -> Tensor:
    """The maps of an `Encoder` side by side in the channels of a map at stride 16; nothing is lost.

    Each cell holds all that the encoder knows of its 16 x 16 pixels: (B, CELL * width, H / 16, W / 16).
    """
    return torch.cat([F.pixel_unshuffle(m, STRIDE // stride) for m, stride in zip(maps, STRIDES, strict=True)], 1)


def unpack(packed: Tensor) -> list[Tensor]:
    """The maps that `pack` was given."""
    width = packed.shape[1] // CELL
    factors = [STRIDE // stride for stride in STRIDES]
    channels = [f * width for f in (*CHANNELS, CHANNELS[-1])]
    parts = packed.split([c * f**2 for c, f in zip(channels, factors, strict=True)], 1)
    return [F.pixel_shuffle(part, factor) for part, factor in zip(parts, factors, strict=True)]
