import numpy as np
import torch
from twinnet import TwinNetwork, load
from twinnet.registry import distances

Chebyshev = distances.get("part-name")


def test_both_forms_are_the_largest_difference():
    a, b = torch.randn(5, 7), torch.randn(5, 7)
    expected = np.abs(a.numpy()[:, None] - b.numpy()[None]).max(-1)
    np.testing.assert_allclose(Chebyshev().matrix(a, b), expected, rtol=1e-6)
    np.testing.assert_allclose(Chebyshev().pairwise(a, b), np.diag(expected), rtol=1e-6)


def test_a_network_with_it_comes_back_from_its_folder(tmp_path):
    picture = {"name": "image", "size": [32, 32]}
    network = TwinNetwork("timm/resnet10t", distance="part-name", preprocess=picture)
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, 40, 30, 3), np.uint8))
    scores = network.similarity(pictures, pictures)
    assert (np.diag(scores) == scores.max(1)).all()
    again = load(network.save(tmp_path / "network"))
    assert (again.similarity(pictures, pictures) == scores).all()
