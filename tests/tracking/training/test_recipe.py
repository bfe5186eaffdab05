"""A new network tracks as it learned."""

import pytest
import torch

from twinnet.tracking.loss import TrackingLoss
from twinnet.tracking.training.recipe import new_network


def test_a_new_network_has_the_memory_it_is_trained_for():
    backbone = {"name": "timm-pyramid", "model": "test_efficientnet", "nodes": ["blocks.2"], "width": 8}
    network = new_network(backbone)
    share = network.tower.preprocess.inference.memory
    assert share > 0
    torch.manual_seed(0)
    first, search, recent = torch.randn(2, 8, 17, 17), torch.randn(2, 8, 25, 25), torch.randn(2, 8, 17, 17)
    target = torch.tensor([[80.0, 80.0, 40.0, 30.0, 44.0, 28.0]] * 2)
    loss = TrackingLoss(network.distance)
    seen = first + share * (recent - first)
    assert float(loss([first, search, recent], target)) == pytest.approx(float(loss([seen, search, seen], target)))
