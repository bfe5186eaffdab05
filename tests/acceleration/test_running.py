from __future__ import annotations

import gc
import logging
import sys
import weakref

import numpy as np
import pytest
import torch

import twinnet
from twinnet import TwinnetError
from twinnet.acceleration import bert_cpu, precision, running
from twinnet.acceleration.int8 import quantized
from twinnet.backbones.base import Backbone
from twinnet.encoding import encode
from twinnet.features import Features


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def simulated(network, items):
    """What the int8 network gives, computed in float32 by torch."""
    tower = quantized(network.tower, network.tower.activation_ranges)
    return encode(tower, items, network.tower.preprocess, finish=lambda rows: rows)


@pytest.fixture
def native(monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)


@pytest.fixture
def unpacked(monkeypatch):
    """A processor without the instructions for packed BERT encoders."""
    monkeypatch.setattr(bert_cpu, "_can_compute", lambda precision: False)


def test_an_unknown_precision_is_named(text_network):
    with pytest.raises(TwinnetError, match="unknown precision 'bf15'.*'bfloat16'"):
        text_network.encode(["a"], precision="bf15")


@pytest.mark.parametrize("name", ["bfloat16", "auto"])
def test_without_instructions_for_bfloat16_it_is_float32(text_network, sentences, monkeypatch, caplog, name):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: False)
    precision._say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        rows = text_network.encode(sentences, precision=name)
    np.testing.assert_array_equal(rows, text_network.encode(sentences))
    assert ("computing in float32" in caplog.text) == (name == "bfloat16")


@pytest.mark.parametrize("name", ["bfloat16", "auto"])
def test_bfloat16_by_torch_is_close(text_network, sentences, native, unpacked, monkeypatch, name):
    monkeypatch.setattr(precision, "can_compile", lambda: False)
    exact, close = text_network.encode(sentences), text_network.encode(sentences, precision=name)
    assert close.dtype == np.float32
    assert (close != exact).any()
    assert cosines(exact, close).min() > 0.999


def test_the_network_has_a_precision_of_its_own(text_network, sentences, native, unpacked, monkeypatch):
    monkeypatch.setattr(precision, "can_compile", lambda: False)
    asked = text_network.encode(sentences, precision="bfloat16")
    text_network.precision = "bfloat16"
    np.testing.assert_array_equal(text_network.encode(sentences), asked)


def test_int8_without_ranges_or_on_another_device(text_network):
    pytest.importorskip("openvino")
    with pytest.raises(TwinnetError, match="calibrate_activations"):
        text_network.encode(["a"], precision="int8")
    with pytest.raises(TwinnetError, match="int8 runs on CPUs"):
        running(text_network.tower.to("meta"), "int8")


def test_int8_without_openvino_is_refused_before_anything_is_embedded(text_network, sentences, unpacked, monkeypatch):
    text_network.calibrate_activations(sentences, "these")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(TwinnetError, match=r"twinnet\[openvino\]"):
        running(text_network.tower, "int8")


def test_compiled_bfloat16_equals_torch_where_the_processor_has_none(text_network, sentences, native, unpacked):
    """There OpenVINO computes in float32."""
    pytest.importorskip("openvino")
    items = [*sentences, "cat", "the " * 40]
    exact, compiled = text_network.encode(items), text_network.encode(items, precision="bfloat16")
    assert cosines(exact, compiled).min() > 0.999
    prompted = text_network.encode(items, precision="bfloat16", prompt="query: ")
    assert cosines(prompted, text_network.encode(items, prompt="query: ")).min() > 0.999


@pytest.mark.parametrize("modality", ["text", "image"])
def test_compiled_int8_equals_its_simulation(modality, request, sentences, pictures, unpacked):
    pytest.importorskip("openvino")
    network = request.getfixturevalue(f"{modality}_network")
    items = list(sentences if modality == "text" else pictures)
    network.calibrate_activations(items, "these")
    compiled = network.encode(items, precision="int8")
    assert cosines(compiled, simulated(network, items)).min() > 0.99
    assert cosines(compiled, network.encode(items)).min() > 0.95
    assert (compiled != network.encode(items)).any()


def test_new_weights_and_new_ranges_are_compiled_again(text_network, sentences):
    pytest.importorskip("openvino")
    text_network.calibrate_activations(sentences, "these")
    items = ["a cat sits on the mat", "he or she runs in the park"]  # of equal length: no mask, one model
    before = text_network.encode(items, precision="int8")
    with torch.no_grad():
        text_network.tower.backbone.embeddings.word_embeddings.weight.mul_(-1)
    text_network.calibrate_activations(sentences, "these again")
    after = text_network.encode(items, precision="int8")
    assert cosines(after, simulated(text_network, items)).min() > 0.99
    assert cosines(before, after).min() < 0.99


@pytest.mark.parametrize("modality", ["text", "image"])
@pytest.mark.parametrize("fused", [True, False])
def test_what_an_optimiser_has_changed_is_seen(modality, fused, request, sentences, pictures, monkeypatch):
    """A fused one does not count versions up."""
    monkeypatch.setattr(precision, "WORTH_COMPILING", 1)
    network = request.getfixturevalue(f"{modality}_network").eval()
    items = list(sentences if modality == "text" else pictures)
    before = network.encode(items)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=fused)
    tower = network.tower
    tower.embed(tower.reader().prepare(items)).square().sum().backward()
    optimizer.step()
    with torch.inference_mode():
        expected = tower.embed(tower.reader().prepare(items)).numpy()
    after = network.encode(items)
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert np.abs(after - before).max() > 0.01 * np.abs(expected).max()


def test_what_was_compiled_goes_with_the_network(make_text_network, native, unpacked):
    pytest.importorskip("openvino")
    network = make_text_network()
    network.encode(["a cat"], precision="bfloat16")
    tower = weakref.ref(network.tower)
    del network
    gc.collect()
    assert tower() is None


def test_ranges_of_another_network(text_network, image_network, pictures):
    image_network.calibrate_activations(pictures, "pictures")
    with pytest.raises(TwinnetError, match="lacks: calibrate again"):
        quantized(text_network.tower, image_network.tower.activation_ranges)


def test_the_catalogue_has_ranges(minilm):
    pytest.importorskip("openvino")
    network = twinnet.load("all-MiniLM-L6-v2", precision="int8")
    assert "STS benchmark" in network.tower.activation_ranges.data
    items = ["A man is playing a guitar.", "Two dogs run in the snow.", "cat", "The stock market fell by 3% on Monday."]
    assert cosines(network.encode(items), network.encode(items, precision="float32")).min() > 0.97
    with pytest.raises(TwinnetError, match="precision 'int9'"):
        twinnet.load("all-MiniLM-L6-v2", precision="int9")


class Gate(Backbone):
    """Another computation for vectors below zero, which no trace holds."""

    width = 8

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 8)

    def forward(self, batch):
        values = self.layer(batch["vectors"])
        return Features(values if batch["vectors"].mean() > 0 else -2 * values)


def test_what_may_branch_on_values_is_never_compiled(native):
    network = twinnet.TwinNetwork(Gate(), preprocess={"name": "vectors", "width": 8})
    rows = np.random.default_rng(0).random((5, 8), dtype=np.float32)
    for items in (list(rows), list(-rows)):
        close = network.encode(items, precision="bfloat16")
        assert cosines(network.encode(items), close).min() > 0.999
    with pytest.raises(TwinnetError, match="not `traceable`"):
        network.encode(list(rows), precision="int8")
