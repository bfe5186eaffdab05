import numpy as np
import torch
from twinnet import TwinNetwork, load
from twinnet.registry import backbones

ColourGrid = backbones.get("part-name")


def test_plain_pictures_differ_by_their_colour_only():
    backbone = ColourGrid(cells=2, width=5)
    colour = torch.rand(3, 3, 1, 1)
    features = backbone({"pixels": colour.expand(3, 3, 8, 8)}).values
    expected = backbone.layer(colour.flatten(1).repeat_interleave(4, dim=1))
    assert features.shape == (3, 5)
    torch.testing.assert_close(features, expected)


def test_a_network_with_it_comes_back_from_its_folder(tmp_path):
    network = TwinNetwork({"name": "part-name", "width": 8})
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 40, 30, 3), np.uint8))
    embeddings = network.encode(pictures)
    assert embeddings.shape == (4, 8)
    again = load(network.save(tmp_path / "network"))
    assert (again.encode(pictures) == embeddings).all()
