import numpy as np
import pytest
import torch

from tests.verification.signature.conftest import draw, scribble
from twinnet import TwinNetwork
from twinnet.errors import TwinnetError
from twinnet.verification.signature.joined import JoinedBackbone

CODEBOOK = {"name": "codebook", "patch": 5, "components": 4, "codes": 6}
RESIDUAL = {"name": "timm", "model": "resnet10t", "in_chans": 1, "channels": [8, 8, 16, 16]}
PARTS = [{"backbone": CODEBOOK}, {"backbone": RESIDUAL, "head": "gem", "weight": 0.25}]


@pytest.fixture
def pictures():
    return [draw(scribble(seed)) for seed in range(3)]


def test_cosines_are_weighted_means(pictures, tmp_path):
    joined = TwinNetwork({"name": "joined", "parts": PARTS}, [], "cosine", "signature/fitted")
    scores = joined.similarity(pictures, pictures)
    expected = 0
    for tower, weight in zip(joined.tower.backbone.towers, (0.8, 0.2), strict=True):
        part = TwinNetwork(tower.backbone, list(tower.head), "cosine", "signature/fitted")
        expected = expected + weight * part.similarity(pictures, pictures)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    again = TwinNetwork.load(joined.save(tmp_path / "joined"))
    np.testing.assert_allclose(again.similarity(pictures, pictures), scores, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(again.encode(pictures), axis=1), 1, atol=1e-5)


def test_weights_get_gradients():
    joined = JoinedBackbone(PARTS)
    values = joined({"pixels": (torch.rand(2, 1, 64, 64) > 0.8).float()}).values
    values[:, ::2].sum().backward()
    assert all(parameter.grad is not None for parameter in joined.parameters())


@pytest.mark.parametrize("parts", [[], [{"backbone": CODEBOOK, "weight": 0}]])
def test_parts_have_weights(parts):
    with pytest.raises(TwinnetError, match="weights above 0"):
        JoinedBackbone(parts)
