from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from twinnet.acceleration import bert_cuda
from twinnet.acceleration.bert_cuda import UnpaddedEncoder, is_unpaddable
from twinnet.encoding import evaluating

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def by_sentence(query, key, value, starts, keys, longest, most):
    """The attention of each sentence by itself."""
    assert torch.equal(starts, keys)
    assert longest == most >= int(starts.diff().max())
    lengths = starts.diff().tolist()
    parts = (part.split(lengths) for part in (query, key, value))
    return torch.cat(
        [
            F.scaled_dot_product_attention(*(p.transpose(0, 1) for p in part)).transpose(0, 1)
            for part in zip(*parts, strict=True)
        ]
    )


@pytest.mark.parametrize("padded", [True, False])
def test_it_computes_what_the_encoder_does(text_network, sentences, monkeypatch, padded):
    monkeypatch.setattr(bert_cuda, "_attend", by_sentence)
    tower = text_network.tower
    items = [*sentences, "", "cat", "the " * 50] if padded else ["the cat", "a cat"]
    with torch.inference_mode(), evaluating(tower):
        batch = tower.reader().collate(tower.reader().prepare(items))
        assert ("attention_mask" in batch) == padded
        encoder = UnpaddedEncoder(tower.backbone.encoder)
        found = tower.backbone.encoded_by(encoder, batch).values
        exact = tower.backbone(batch).values
    mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"])).bool()
    assert found.dtype == torch.float32
    assert F.cosine_similarity(found[mask], exact[mask], dim=1).min() > 0.999
    assert (found[mask] != exact[mask]).any()
    assert not found[~mask].any()


def test_a_cpu_is_none(text_network):
    assert not is_unpaddable(text_network.tower, "bfloat16")


@needs_gpu
def test_a_gpu_computes_it(text_network, sentences):
    items = [*sentences, "", "cat", *("the " * n for n in range(2, 60))]
    exact = text_network.encode(items)
    network = copy.deepcopy(text_network).to("cuda")
    assert is_unpaddable(network.tower, "bfloat16")
    assert not is_unpaddable(network.tower, "float32")
    rows = network.encode(items, precision="bfloat16")
    cosines = (rows * exact).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(exact, axis=1)
    assert cosines.min() > 0.999
    np.testing.assert_allclose(network.encode(items), exact, atol=1e-4)
    with torch.no_grad():
        for weight in network.tower.backbone.encoder.parameters():
            weight.data.copy_(torch.randn_like(weight))
    assert not np.allclose(network.encode(items, precision="bfloat16"), rows, atol=0.05)
