"""The AlexNet of SiamFC."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.features import Batch, Features

# Of the batch normalisation, as in siamfc-pytorch.
EPS, MOMENTUM = 1e-6, 0.05


class SiamFCAlexNet(Backbone):
    """Five convolutions without padding, so that a shift of the picture by the stride shifts the map by a cell.

    Bertinetto et al. 2016 (https://arxiv.org/abs/1606.09549), table 1: batch normalisation behind every convolution but
    the last, which has no activation either. Weights have the names of siamfc-pytorch. Its pixels are levels from 0 to
    255, not normalised.
    """

    kind = "map"
    width = 256
    stride = 8
    traceable = True

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_block(3, 96, 11, stride=2), nn.MaxPool2d(3, 2))
        self.conv2 = nn.Sequential(*_block(96, 256, 5, groups=2), nn.MaxPool2d(3, 2))
        self.conv3 = nn.Sequential(*_block(256, 384, 3))
        self.conv4 = nn.Sequential(*_block(384, 384, 3, groups=2))
        self.conv5 = nn.Sequential(nn.Conv2d(384, 256, 3, groups=2))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> maps (B, 256, H', W'): 127 pixels give 6 cells, 255 give 22."""
        values = batch["pixels"]
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            values = layer(values)
        return Features(values)

    def default_preprocess(self) -> dict[str, str]:
        """Crops of 127 and 255 pixels."""
        return {"name": "tracking"}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take weights under the names of siamfc-pytorch, with or without its prefix "backbone."."""
        own = OrderedDict((name.removeprefix("backbone."), tensor) for name, tensor in weights.items())
        self.load_state_dict(own)


def _block(width: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(width, out, kernel, stride, groups=groups),
        nn.BatchNorm2d(out, eps=EPS, momentum=MOMENTUM),
        nn.ReLU(inplace=True),
    )
