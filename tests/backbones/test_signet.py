import pytest
import torch
from torch import nn

from twinnet import TwinNetwork
from twinnet.backbones.signet import SigNet
from twinnet.errors import TwinnetError


@pytest.fixture
def small():
    return SigNet(size=(60, 80), narrow=16)


def test_layers_are_those_of_table_1():
    with torch.device("meta"):
        network = SigNet()
    convolutions = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size[0], c.padding[0]) for c in convolutions] == [
        (96, 11, 0), (256, 5, 2), (384, 3, 1), (256, 3, 1)
    ]  # fmt: skip
    assert [layer.p for layer in network.layers if isinstance(layer, nn.Dropout)] == [0.3, 0.3, 0.5]
    linear = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(17 * 25 * 256, 1024), (1024, 128)]


@pytest.mark.parametrize("size", [(60, 80), (155, 220), (25, 30)])
def test_takes_the_size_that_it_was_made_for(size):
    network = SigNet(size=size, narrow=32)
    assert network({"pixels": torch.rand(2, 1, *size)}).values.shape == (2, 128)


def test_asks_for_the_recipe_of_the_paper(small):
    network = TwinNetwork(small, distance="euclidean")
    assert network.tower.preprocess.recipe.size == (60, 80)


def test_a_picture_can_be_too_small():
    with pytest.raises(TwinnetError, match="25"):
        SigNet(size=(24, 80))


def test_normalises_as_the_formula_of_the_paper(small):
    values = torch.rand(1, 7, 2, 2) * 30
    expected = torch.empty_like(values)
    for channel in range(7):
        window = values[:, max(0, channel - 2) : channel + 3]
        expected[:, channel] = values[:, channel] / (2 + 1e-4 * window.square().sum(1)) ** 0.75
    torch.testing.assert_close(small.layers[2](values), expected)
