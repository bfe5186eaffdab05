from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.data.examples import labelled
from twinnet.losses import ContrastiveLoss, InfoNCELoss, WeightedSum
from twinnet.registry import losses
from twinnet.supervision import Supervision
from twinnet.training import build_loss


def test_it_is_the_sum_with_weights(columns):
    a, b = columns(0, 2, 7, 5)
    joined = WeightedSum(["infonce", {"name": "pml/NTXentLoss", "temperature": 0.2, "weight": 0.25}])
    expected = InfoNCELoss()([a, b], None) + 0.25 * losses.create("pml/NTXentLoss", temperature=0.2)([a, b], None)
    torch.testing.assert_close(joined([a, b], None), expected)


def test_it_learns_from_what_suits_all_of_them():
    assert WeightedSum(["contrastive"]).needs == ContrastiveLoss.needs
    logistic = {"name": "logistic", "distance": "cosine"}
    assert WeightedSum(["contrastive", logistic]).needs == {Supervision.LABELLED_PAIRS}
    with pytest.raises(TwinnetError, match="SoftmaxLoss, CosineRegressionLoss"):
        WeightedSum([{"name": "softmax", "dim": 2, "classes": 2}, "cosine-regression"])
    with pytest.raises(TwinnetError, match="one at least"):
        WeightedSum([])
    with pytest.raises(TwinnetError, match="unknown loss 'infonse'"):
        WeightedSum(["infonse"])


def test_each_is_told_width_classes_and_distance():
    network = TwinNetwork({"name": "vectors", "width": 6}, distance="scaled-cosine")
    examples = labelled(list(np.eye(6, dtype=np.float32)), list("aabbcc"))
    spec = {"name": "sum", "losses": ["pml/SupConLoss", {"name": "pml/CosFaceLoss", "margin": 0.2, "scale": 20}]}
    loss = build_loss(spec, network, examples)
    supcon, cosface = loss.parts
    assert supcon.loss.distance is network.distance
    assert cosface.loss.W.shape == (6, 3)
    value = loss([torch.randn(6, 6, requires_grad=True)], torch.tensor([0, 0, 1, 1, 2, 2]))
    value.backward()
    assert cosface.loss.W.grad.abs().sum() > 0
