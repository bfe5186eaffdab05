import numpy as np
import pytest
import torch
from twinnet import TwinNetwork, load
from twinnet.features import Features
from twinnet.registry import heads

SignedPower = heads.get("part-name")


@pytest.mark.parametrize("shape", [(4, 7), (2, 5, 7), (2, 7, 3, 4)])
def test_it_is_the_power_of_the_size_with_the_sign(shape):
    values = torch.randn(shape)
    made = SignedPower(0.3)(Features(values)).values.numpy()
    expected = np.copysign(np.abs(values) ** 0.3, values)
    np.testing.assert_allclose(made, expected, rtol=1e-4)


def test_zero_has_a_finite_slope():
    values = torch.zeros(1, 3, requires_grad=True)
    SignedPower()(Features(values)).values.sum().backward()
    assert values.grad.isfinite().all()


def test_a_network_with_it_comes_back_from_its_folder(tmp_path):
    head = ["pooling/mean", {"name": "part-name", "power": 0.25}]
    picture = {"name": "image", "size": [32, 32]}
    network = TwinNetwork("timm/resnet10t", head, preprocess=picture)
    pictures = list(np.random.default_rng(0).integers(0, 256, (2, 40, 30, 3), np.uint8))
    again = load(network.save(tmp_path / "network"))
    assert (again.encode(pictures) == network.encode(pictures)).all()
