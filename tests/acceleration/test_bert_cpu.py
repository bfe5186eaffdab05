from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import nn

from twinnet import TwinnetError, TwinNetwork
from twinnet.acceleration import bert_cpu, running
from twinnet.acceleration.bert_cpu import PackedEncoder, _can_compute, attend, is_packable
from twinnet.acceleration.int8 import quantized
from twinnet.backbones.bert import BertBackbone
from twinnet.encoding import evaluating
from twinnet.text.preprocess import TextPreprocess

LEAST = {"float32": 0.999999, "bfloat16": 0.999, "int8": 0.95}


@pytest.fixture(params=list(LEAST))
def packable(request):
    if not _can_compute(request.param):
        pytest.skip(f"this processor has no instructions for {request.param}")
    return request.param


@pytest.fixture
def awkward(sentences):
    """Alone, empty, of all lengths, and longer than attention is computed explicitly."""
    return [*sentences, "", "cat", *("the " * n for n in range(2, 45)), "a cat sits on the mat " * 5]


def by_torch(network, items):
    tower = network.tower
    with torch.inference_mode(), evaluating(tower):
        return np.concatenate([tower.embed(tower.reader().prepare([item])).numpy() for item in items])


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_it_computes_what_torch_does(make_text_network, awkward, packable, activation):
    network = make_text_network()
    if activation == "relu":
        architecture = network.tower.backbone.config["architecture"] | {"hidden_act": "relu"}
        network.tower.backbone = BertBackbone(architecture)
    network.calibrate_activations(awkward, "these")
    assert is_packable(network.tower, packable)
    exact, rows = by_torch(network, awkward), network.encode(awkward, precision=packable)
    assert rows.dtype == np.float32
    assert cosines(exact, rows).min() > LEAST[packable]
    if packable == "float32":
        np.testing.assert_allclose(rows, exact, atol=1e-5)
    else:
        assert (rows != exact).any()
    alone = np.stack([network.encode(item, precision=packable) for item in awkward])
    np.testing.assert_allclose(alone, rows, atol=1e-5 if packable == "float32" else 0.1)


@pytest.mark.parametrize("attention", ["int8", "float32", "bfloat16"])
def test_int8_is_near_its_simulation(text_network, sentences, attention):
    if not (_can_compute("int8") and _can_compute(attention)):
        pytest.skip("this processor has no instructions for it")
    text_network.calibrate_activations(sentences, "these")
    tower = text_network.tower
    simulated = quantized(tower, tower.activation_ranges)
    encoder = PackedEncoder(tower.backbone.encoder, attention, "int8", tower.activation_ranges)
    with torch.inference_mode(), evaluating(tower):
        batch = tower.reader().collate(tower.reader().prepare(list(sentences)))
        found = tower.head(tower.backbone.encoded_by(encoder, batch)).values.numpy()
        assert cosines(found, simulated(batch).numpy()).min() > 0.98
        assert cosines(found, tower(batch).numpy()).min() > 0.95


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 4), st.integers(1, 30), st.integers(1, 3), st.booleans(), st.integers(0, 3))
def test_attention_by_loops(seed, sentences, length, heads, padded, more):
    generator = torch.Generator().manual_seed(seed)
    width, size = 4 * heads, sentences * length
    projected = 3 * torch.randn(size + more, 3 * width, generator=generator)
    lengths = torch.randint(1, length + 1, (sentences,), generator=generator) if padded else [length] * sentences
    attended = torch.stack([torch.arange(length) < int(n) for n in lengths])[:, None, None, :]
    found = attend(projected, (sentences, length), heads, attended if padded else None)
    rows = projected[:size].double().view(sentences, length, 3, heads, 4).numpy()
    expected = np.zeros((sentences, length, heads, 4))
    for b in range(sentences):
        for h in range(heads):
            for i in range(length):
                seen = range(int(lengths[b]))
                weights = np.array([np.exp(rows[b, i, 0, h] @ rows[b, j, 1, h]) for j in seen])
                expected[b, i, h] = sum(
                    weight / weights.sum() * rows[b, j, 2, h] for weight, j in zip(weights, seen, strict=True)
                )
    np.testing.assert_allclose(found[:size].numpy(), expected.reshape(size, width), rtol=1e-4, atol=1e-4)
    assert found.shape == (size + more, width)
    assert not found[size:].any()


def test_large_scores_do_not_overflow():
    projected = torch.cat([torch.full((3, 4), 100.0), torch.full((3, 4), 100.0), torch.eye(3, 4)], 1)
    torch.testing.assert_close(attend(projected, (1, 3), 1, None), torch.eye(3, 4).mean(0).expand(3, 4))


@pytest.mark.parametrize("texts", [["", "a cat a"], [""]])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_texts_without_a_token(texts, precision):
    if not _can_compute(precision):
        pytest.skip("this processor has no instructions for it")
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "[PAD]": 1, "a": 2, "cat": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    architecture = {"model_type": "bert", "vocab_size": 10, "hidden_size": 32, "num_hidden_layers": 2}
    architecture |= {"num_attention_heads": 2, "intermediate_size": 64}
    text = TextPreprocess(tokenizer=tokenizer.to_str(), max_length=32)
    network = TwinNetwork({"name": "bert", "architecture": architecture}, preprocess=text)
    rows = network.encode(texts, precision=precision)
    np.testing.assert_allclose(rows, by_torch(network, texts), atol=1e-5 if precision == "float32" else 0.02)
    assert not rows[0].any()


def test_batches_side_by_side(text_network, packable, monkeypatch):
    text_network.calibrate_activations(["the cat"], "it")
    items = [" ".join(["cat"] * (n % 17) + [str(n)]) for n in range(300)]
    expected = text_network.encode(items, precision=packable)
    monkeypatch.setattr(type(text_network.tower.preprocess), "budget", {"cpu": 40})
    threads = torch.get_num_threads()
    seen = set()
    computed = bert_cpu.attend

    def watched(*arguments):
        seen.add(torch.get_num_threads())
        return computed(*arguments)

    monkeypatch.setattr(bert_cpu, "attend", watched)
    torch.set_num_threads(2)
    try:
        rows = text_network.encode(items, precision=packable)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert seen == {1}
    np.testing.assert_allclose(rows, expected, atol=1e-5 if packable == "float32" else 0.1)


def test_an_encoder_that_was_changed_is_left_alone(make_text_network, sentences):
    if not _can_compute("float32"):
        pytest.skip("this processor has no instructions for it")

    class Adapted(nn.Linear):
        def forward(self, values):
            return -super().forward(values)

    for change in ("layer", "hook", "backbone hook", "dtype", "subclass", "another GELU", "no bias"):
        network = make_text_network()
        encoder = network.tower.backbone.encoder
        assert is_packable(network.tower, "float32")
        if change == "layer":
            encoder.layer[0].output.dense = Adapted(*reversed(encoder.layer[0].output.dense.weight.shape))
        elif change == "hook":
            encoder.layer[1].register_forward_hook(lambda layer, inputs, output: -output)
        elif change == "backbone hook":
            hook = network.tower.backbone.register_forward_hook
            hook(lambda backbone, inputs, features: replace(features, values=-features.values))
        elif change == "another GELU":
            encoder.layer[0].intermediate[1] = nn.GELU(approximate="tanh")
        elif change == "no bias":
            encoder.layer[1].output.dense.bias = None
        elif change == "dtype":
            network.tower.backbone.to(torch.float64)
        else:
            network.tower.backbone.__class__ = type("Own", (BertBackbone,), {})
        assert not is_packable(network.tower, "float32")
        if change not in ("dtype", "subclass"):
            rows = network.encode(list(sentences))
            np.testing.assert_allclose(rows, by_torch(network, list(sentences)), atol=1e-5)


def test_ranges_that_lack_a_layer(text_network, sentences):
    if not _can_compute("int8"):
        pytest.skip("this processor has no instructions for it")
    text_network.calibrate_activations(sentences, "these")
    ranges = text_network.tower.activation_ranges.ranges
    del ranges["backbone.encoder.layer.1.intermediate.dense"]
    with pytest.raises(TwinnetError, match=r"lack 'backbone.encoder.layer.1.intermediate.dense'.*calibrate again"):
        running(text_network.tower, "int8")


def test_other_networks_are_not_packed(image_network, packable):
    assert not is_packable(image_network.tower, packable)
