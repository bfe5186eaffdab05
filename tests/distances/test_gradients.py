"""Distances in training: gradients, and the losses of pytorch-metric-learning."""

from __future__ import annotations

import copy

import pytest
import torch
from pytorch_metric_learning.losses import MultiSimilarityLoss, NTXentLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner

LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def finite(*tensors):
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


@pytest.mark.parametrize("values", ["equal", "zero", "opposite"])
@pytest.mark.parametrize("form", ["pairwise", "matrix", "dense"])
def test_gradients_are_finite_on_awkward_input(trainable, create, form, values):
    distance = create(trainable, 3)
    shape = (2, 3, 2, 2) if form == "dense" else (4, 3)
    a = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = (a * (values != "zero")).requires_grad_()
    b = (a.detach() * (-1 if values == "opposite" else 1)).requires_grad_()
    gradients = torch.autograd.grad(getattr(distance, form)(a, b).sum(), [a, b, *distance.parameters()])
    assert finite(*gradients)


@pytest.mark.parametrize("form", ["pairwise", "matrix", "dense"])
def test_gradients_equal_finite_differences(trainable, create, form):
    distance = create(trainable, 2)
    shapes = ((2, 2, 2, 1), (2, 2, 3, 2)) if form == "dense" else ((3, 2), (3, 2))
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes)
    assert torch.autograd.gradcheck(getattr(distance, form), (a, b), fast_mode=True)


@pytest.mark.parametrize("loss", [TripletMarginLoss, NTXentLoss, MultiSimilarityLoss])
def test_works_inside_pytorch_metric_learning(trainable, create, loss):
    distance = create(trainable, 5).float()
    items = torch.randn(6, 5, generator=torch.Generator().manual_seed(2), requires_grad=True)
    value = loss(distance=distance)(items, LABELS, BatchHardMiner(distance=distance)(items, LABELS))
    # A bias is the same for all, so that it cancels out where distances are subtracted.
    weights = [weight for name, weight in distance.named_parameters() if name != "bias"]
    gradients = torch.autograd.grad(value, [items, *weights])
    assert value > 0
    assert finite(value, *gradients)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_pytorch_metric_learning_sees_the_same_values(name, create):
    distance = create(name, 5)
    a = torch.randn(4, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    torch.testing.assert_close(distance(a), distance.matrix(a, a))
    assert distance.is_inverted == distance.higher_is_closer


def test_a_copy_is_equal(name, create):
    distance = create(name, 5)
    twin = copy.deepcopy(distance)
    a = torch.randn(4, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    assert twin.config == distance.config
    assert torch.equal(twin.matrix(a, a), distance.matrix(a, a))
