from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

from twinnet import TwinnetError
from twinnet.backbones.small_resnet import SmallResNet


@pytest.mark.parametrize("blocks", [[1, 1, 1, 1], [2, 1, 3, 2]])
def test_it_is_torchvisions_network_without_the_pooling(blocks):
    other = ResNet(BasicBlock, blocks)
    other.maxpool, other.avgpool, other.fc = nn.Identity(), nn.Identity(), nn.Identity()
    own = SmallResNet([64, 128, 256, 512], in_channels=3, blocks=blocks)
    places = [f"layer{stage + 1}.{i}" for stage, count in enumerate(blocks) for i in range(count)]
    renamed = {"stem.0.": "conv1.", "stem.1.": "bn1."} | {f"blocks.{i}.": f"{p}." for i, p in enumerate(places)}
    theirs = other.state_dict()
    weights = {}
    for name in own.state_dict():
        ours = next(prefix for prefix in renamed if name.startswith(prefix))
        weights[name] = theirs[renamed[ours] + name.removeprefix(ours)]
    own.load_state_dict(weights)
    pixels = torch.randn(2, 3, 40, 56)
    with torch.no_grad():
        maps = own.eval()({"pixels": pixels}).values
        torch.testing.assert_close(maps.flatten(1), other.eval()(pixels))
    assert maps.shape == (2, own.width, -(-40 // own.stride), -(-56 // own.stride))


@pytest.mark.parametrize("channels", [[8], [8, 8], [8, 4, 12]])
def test_any_widths(channels):
    backbone = SmallResNet(channels)
    assert backbone({"pixels": torch.randn(2, 1, 32, 32)}).values.shape == (
        2,
        channels[-1],
        *[32 // backbone.stride] * 2,
    )


@pytest.mark.parametrize(("channels", "blocks"), [([], None), ([], []), ([8, 16], [1]), ([8, 16], [1, 0])])
def test_a_stage_without_a_block_is_refused(channels, blocks):
    with pytest.raises(TwinnetError, match="one block or more"):
        SmallResNet(channels, blocks=blocks)
