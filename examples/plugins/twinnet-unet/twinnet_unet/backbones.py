"""One side of a twin U-Net: all scales for a distance that decodes both sides together, or a dense embedding."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from twinnet import TwinnetError
from twinnet.backbones import Backbone
from twinnet.features import Batch, Features
from twinnet_unet.blocks import STRIDE, Decoder, Encoder
from twinnet_unet.packing import CELL, pack

PREPROCESS = {"name": "scene", "step": STRIDE}


class UNetEncoder(Backbone):
    """The contracting half of a U-Net; its maps of all scales, packed, are the embedding.

    Args:
        channels: Channels of the first stage: 16 in Daudt et al. 2018 (https://arxiv.org/abs/1810.08462).
        dropout: Share of the channels that are left out in training, as there.
    """

    kind = "map"
    stride = STRIDE

    def __init__(self, channels: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        self.encoder = Encoder(channels, dropout)
        self.width = CELL * channels

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> (B, width, H / 16, W / 16)."""
        return Features(pack(self.encoder(_whole_cells(batch["pixels"]))))

    def default_preprocess(self) -> dict[str, Any]:
        """Pictures at their own size, filled up to whole cells."""
        return PREPROCESS


class UNet(Backbone):
    """A whole U-Net (Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597): an embedding of every pixel.

    Args:
        channels: Channels of the first stage.
        width: Width of a pixel's embedding.
        dropout: Share of the channels that are left out in training.
    """

    kind = "map"
    stride = 1

    def __init__(self, channels: int = 16, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        self.encoder = Encoder(channels, dropout)
        self.decoder = Decoder(channels, sides=1, out=width, dropout=dropout)
        self.width = width

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> (B, width, H, W)."""
        *maps, deepest = self.encoder(_whole_cells(batch["pixels"]))
        return Features(self.decoder(deepest, maps))

    def default_preprocess(self) -> dict[str, Any]:
        """Pictures at their own size, filled up to whole cells."""
        return PREPROCESS


def _whole_cells(pixels: Tensor) -> Tensor:
    height, width = pixels.shape[2:]
    if height % STRIDE or width % STRIDE:
        raise TwinnetError(f"a U-Net takes pictures whose sides are multiples of {STRIDE}, not {height} x {width}")
    return pixels
