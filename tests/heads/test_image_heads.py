from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.features import Features
from twinnet.heads import Dense, LayerNorm, build_head
from twinnet.heads.bnneck import BNNeck
from twinnet.heads.gem import GeM


def test_gem_against_loops():
    values = torch.randn(2, 5, 3, 4)
    pooled = GeM(power=2.5)(Features(values)).values.detach()
    for b in range(2):
        for c in range(5):
            places = [max(float(v), 1e-6) ** 2.5 for v in values[b, c].flatten()]
            assert float(pooled[b, c]) == pytest.approx((sum(places) / len(places)) ** (1 / 2.5), rel=1e-5)


def test_gem_goes_from_mean_to_maximum():
    values = torch.rand(3, 4, 6, 6) + 0.1
    torch.testing.assert_close(GeM(power=1.0)(Features(values)).values, values.mean((2, 3)))
    torch.testing.assert_close(GeM(power=200.0)(Features(values)).values, values.amax((2, 3)), rtol=0.03, atol=0)


def test_gem_does_not_see_padding():
    values, mask = torch.rand(2, 6, 4), torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
    pooled = GeM()(Features(values, mask)).values
    torch.testing.assert_close(pooled[0], GeM()(Features(values[:1, :3])).values[0])


def test_gem_learns_its_power():
    layer = GeM()
    layer(Features(torch.rand(2, 3, 4, 4))).values.sum().backward()
    assert layer.power.grad is not None
    assert float(layer.power.grad.abs()) > 0


def test_bnneck_centres_and_scales_in_training_and_has_no_shift():
    layer = BNNeck(8).train()
    given = torch.randn(64, 8) * 3 + 5
    values = layer(Features(given)).values
    expected = (given - given.mean(0)) / given.std(0, unbiased=False)
    torch.testing.assert_close(values, expected, atol=1e-4, rtol=1e-4)
    assert [name for name, p in layer.named_parameters() if p.requires_grad] == ["norm.weight"]


def test_dense_is_a_linear_map_with_an_activation():
    layer = Dense(5, 3, activation="tanh")
    given = torch.randn(4, 5)
    expected = np.tanh(given.numpy() @ layer.linear.weight.detach().numpy().T + layer.linear.bias.detach().numpy())
    np.testing.assert_allclose(layer(Features(given)).values.detach().numpy(), expected, atol=1e-6)


def test_heads_are_saved(tmp_path, pictures):
    small = {"name": "timm", "model": "resnet18", "layers": [1, 1, 1, 1], "channels": [8, 8, 8, 16], "stem_width": 8}
    network = TwinNetwork(small, head=["gem", {"name": "dense", "out_features": 6}, "bnneck"])
    with torch.no_grad():
        network.tower.head.layers[0].power += 0.5
        network.tower.head.layers[2].norm.running_mean += 0.1
    again = TwinNetwork.load(network.save(tmp_path / "net"))
    np.testing.assert_array_equal(again.encode(pictures), network.encode(pictures))


def test_gem_has_nothing_to_pool_in_vectors():
    with pytest.raises(TwinnetError, match="drop the pooling"):
        build_head("gem", 4, "vector")(Features(torch.zeros(2, 4)))


def test_flatten_keeps_every_cell_and_tells_its_width():
    head = build_head([{"name": "flatten", "cells": 6}, {"name": "dense", "out_features": 5}], 4, "map")
    assert head.width == 5
    values = torch.randn(3, 4, 2, 3)
    flat = next(iter(head))(Features(values)).values
    for b, c, row, column in np.ndindex(3, 4, 2, 3):
        assert flat[b, c * 6 + row * 3 + column] == values[b, c, row, column]
    with pytest.raises(TwinnetError, match="maps of 6 cells"):
        head(Features(torch.randn(3, 4, 2, 2)))
    with pytest.raises(TwinnetError, match="maps of 6 cells"):
        head(Features(torch.randn(3, 6, 4)))


@pytest.mark.parametrize("residual", [False, True])
def test_dense_projects_each_cell_of_a_map(residual):
    layer, maps = Dense(5, 3, residual=residual), torch.randn(2, 5, 4, 6)
    found = layer(Features(maps)).values
    assert found.shape == (2, 3, 4, 6)
    for b, y, x in ((0, 0, 0), (1, 3, 5), (0, 2, 1)):
        torch.testing.assert_close(found[b, :, y, x], layer(Features(maps[b, :, y, x][None])).values[0])


@pytest.mark.parametrize("power", [1.0, 8.0, 50.0])
def test_gem_is_finite_where_nothing_is_seen_and_where_much_is(power):
    layer = GeM(power)
    values = torch.rand(2, 4, 3, 3) * torch.tensor([0, 1, 1e3, 1e30])[:, None, None]
    values.requires_grad_()
    pooled = layer(Features(values)).values
    pooled.sum().backward()
    torch.testing.assert_close(pooled[:, 0], torch.full((2,), 1e-6))
    for found in (pooled, values.grad, layer.power.grad):
        assert torch.isfinite(found).all()


def test_layer_norm_of_a_map_is_that_of_each_cell():
    layer, values = LayerNorm(5), torch.randn(2, 5, 5, 4)
    found = layer(Features(values)).values
    torch.testing.assert_close(found[1, :, 3, 2], layer(Features(values[1:, :, 3, 2])).values[0])
