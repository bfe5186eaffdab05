from __future__ import annotations

import numpy as np
import torch

from twinnet import TwinNetwork
from twinnet.registry import backbones


def shapes(backbone, pixels):
    values, seen = pixels, []
    with torch.no_grad():
        for layer in backbone.eval().layers:
            values = layer(values)
            seen.append(tuple(values.shape[1:]))
    return seen


def test_koch_has_the_shapes_of_figure_4():
    seen = shapes(backbones.create("koch"), torch.zeros(1, 1, 105, 105))
    maps = [(64, 96, 96), (64, 48, 48), (128, 42, 42), (128, 21, 21), (128, 18, 18), (128, 9, 9), (256, 6, 6)]
    assert list(dict.fromkeys(seen)) == [*maps, (9216,), (4096,)]


def test_koch_starts_where_the_paper_does():
    layers = backbones.create("koch").layers
    assert abs(float(layers[3].weight.detach().std()) - 0.01) < 1e-3
    assert abs(float(layers[12].weight.detach().std()) - 0.2) < 1e-2
    assert abs(float(layers[12].bias.detach().mean()) - 0.5) < 1e-2


def test_koch_compares_by_weighted_l1():
    network = TwinNetwork("koch", distance={"name": "weighted-l1", "dim": 4096})
    pictures = np.random.default_rng(0).integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    scores = network.similarity(pictures, pictures)
    assert (np.diagonal(scores)[:, None] >= scores).all()
