from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from twinnet import TwinNetwork
from twinnet.acceleration import precision
from twinnet.acceleration.compiling import CompiledModule
from twinnet.acceleration.keeping import all_kept, kept
from twinnet.acceleration.openvino import is_compiled
from twinnet.heads import Normalize

pytest.importorskip("openvino")

NETWORKS = {
    "tensorflow padding": ("timm/tf_efficientnet_lite0", None, 3),
    "generalised mean": ("timm/resnet10t", "gem", 3),
    "all cells": ("small-resnet", [{"name": "flatten", "cells": 16}, {"name": "dense", "out_features": 8}], 1),
    "views": ("timm/resnet10t", ["pooling", {"name": "views", "count": 2}], 3),
    "a transformer": ("timm/vit_tiny_patch16_224", None, 3),
}


def make(kind):
    torch.manual_seed(0)
    backbone, head, channels = NETWORKS[kind]
    size = [224, 224] if kind == "a transformer" else [56, 56]
    grey = {"mean": [0.5], "std": [0.5]} if channels == 1 else {}
    views = {"views": [{"degrees": 10}]} if kind == "views" else {}
    return TwinNetwork(backbone, head, preprocess={"name": "image", "size": size, **grey, **views})


@pytest.fixture
def few(monkeypatch):
    """So few items are worth compiling for."""
    monkeypatch.setattr(precision, "WORTH_COMPILING", 5)


@pytest.mark.parametrize("kind", NETWORKS)
def test_many_pictures_are_embedded_by_the_compiled_network_as_by_torch(kind, pictures, few):
    network = make(kind)
    plain = np.concatenate([network.encode(pictures[:4]), network.encode(pictures[4:8]), network.encode(pictures[8:])])
    assert not is_compiled(network.tower, "float32")
    many = network.encode(pictures)
    assert is_compiled(network.tower, "float32")
    np.testing.assert_allclose(many, plain, rtol=1e-3, atol=1e-4 * np.abs(plain).max())
    np.testing.assert_allclose(network.encode(pictures[3]), plain[3], rtol=1e-3, atol=1e-4 * np.abs(plain).max())


def other_for_two(rows):
    """Something else for a batch of two."""
    return rows.sign() if len(rows) == 2 else rows


def unknown(rows):
    """An operation that OpenVINO does not know."""
    return rows + 0 * torch.linalg.svdvals(rows).sum()


@pytest.mark.parametrize("change", [other_for_two, unknown])
def test_what_a_trace_does_not_hold_is_left_to_torch(pictures, few, change, caplog):
    network = make("generalised mean")
    expected = network.encode(pictures[:4])
    layer = network.tower.head.layers[0]
    own = layer.forward
    layer.forward = lambda features: features.with_values(change(own(features).values))
    np.testing.assert_allclose(network.encode(pictures)[:4], expected, rtol=1e-4, atol=1e-5)
    assert "torch computes it" in caplog.text


def test_new_weights_are_seen(pictures, few):
    network = make("all cells")
    before = network.encode(pictures)
    with torch.no_grad():
        network.tower.head.layers[1].linear.weight.mul_(-1)
        network.tower.head.layers[1].linear.bias.mul_(-1)
    assert not is_compiled(network.tower, "float32")
    np.testing.assert_allclose(network.encode(pictures), -before, rtol=1e-3, atol=1e-5)


def test_a_buffer_that_is_expanded_is_no_obstacle(pictures, few):
    network = make("generalised mean")
    network.tower.register_buffer("expanded", torch.zeros(1, 40).expand(30, 40))
    network.encode(pictures)
    assert is_compiled(network.tower, "float32")


def test_what_may_branch_on_values_is_left_to_torch(pictures, few, text_network, sentences):
    network = make("generalised mean")
    network.tower.head.layers[0].traceable = False
    network.encode(pictures)
    text_network.encode(sentences)
    assert not is_compiled(network.tower, "float32")
    assert not is_compiled(text_network.tower, "float32")


def test_int8_multiplies_whole_numbers(image_network, pictures):
    image_network.calibrate_activations(pictures, "these")
    image_network.encode(pictures, precision="int8")
    (model,) = all_kept(image_network.tower).values()
    kinds = [op.get_element_type().get_type_name() for op in model._model.get_runtime_model().get_ordered_ops()
             if op.get_rt_info()["layerType"] == "Const"]  # fmt: skip
    convolutions = sum(isinstance(module, nn.Conv2d) for module in image_network.tower.modules())
    assert kinds.count("i8") > convolutions / 2  # oneDNN leaves the first ones, of few channels, as they are


def test_one_graph_takes_batches_of_any_size_and_is_made_once():
    layer = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3 * 4 * 5, 2)).eval()
    made = []

    def make_it():
        made.append(1)
        return CompiledModule(layer, [torch.zeros(1, 2, 6, 7)])

    for rows in (1, 4, 2):
        pixels = torch.randn(rows, 2, 6, 7)
        (found,) = kept(layer, "key", make_it).request()(pixels)
        np.testing.assert_allclose(found, layer(pixels).detach(), rtol=1e-4, atol=1e-5)
    assert len(made) == 1


def append(network):
    network.tower.head.layers.append(Normalize())


def raise_floor(network):
    network.tower.head.layers[0].floor = 3.0


def hook(network):
    network.tower.head.register_forward_hook(lambda head, given, out: out.with_values(2 * out.values))


@pytest.mark.parametrize("change", [append, raise_floor, hook])
def test_new_parts_are_seen(pictures, few, change):
    network, other = make("generalised mean"), make("generalised mean")
    network.encode(pictures)
    assert is_compiled(network.tower, "float32")
    change(network)
    change(other)
    expected = np.concatenate([other.encode(pictures[start : start + 4]) for start in range(0, len(pictures), 4)])
    np.testing.assert_allclose(network.encode(pictures), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory in use")
def test_nothing_of_a_network_stays_when_it_is_gone():
    import resource

    taken = []
    for _ in range(3):
        layer = nn.Sequential(nn.Linear(3000, 3000), nn.Linear(3000, 3000)).eval()  # 72 MB
        CompiledModule(layer, [torch.zeros(2, 3000)]).request()(torch.zeros(2, 3000))
        del layer
        gc.collect()
        taken.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
    assert taken[2] - taken[0] < 72e6
