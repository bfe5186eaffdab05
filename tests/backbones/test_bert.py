from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from twinnet import TwinnetError, TwinNetwork
from twinnet.backbones.bert import BertBackbone, is_bert
from twinnet.backbones.transformers import TransformersBackbone
from twinnet.registry import backbones

SIZES = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 16,
}


@pytest.fixture
def folder(tmp_path):
    """A model of transformers with random weights, larger than usual so that every part of it counts."""
    torch.manual_seed(0)
    BertModel(BertConfig(**SIZES, initializer_range=0.3, hidden_act="gelu")).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


def padded(seed: int, lengths: list[int]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 50, (len(lengths), max(lengths)), generator=generator)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def gradients(backbone, batch, weights):
    backbone.zero_grad()
    values = backbone(batch).values
    (values * weights * batch["attention_mask"][:, :, None]).sum().backward()
    return values.detach(), {name: w.grad.clone() for name, w in backbone.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("lengths", [[7, 7, 7], [1], [16, 1, 9], [2, 16]])
def test_training_without_padding_is_the_same(lengths):
    torch.manual_seed(0)
    silent = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.3}
    backbone = BertBackbone({**SIZES, **silent, "model_type": "bert"})
    batch = padded(3, lengths)
    weights = torch.randn(len(lengths), max(lengths), SIZES["hidden_size"])
    expected, slow = gradients(backbone.eval(), batch, weights)
    found, fast = gradients(backbone.train(), batch, weights)
    mask = batch["attention_mask"][:, :, None]
    torch.testing.assert_close(found, expected * mask, rtol=1e-4, atol=1e-5)
    assert fast.keys() == slow.keys()
    for name, gradient in fast.items():
        torch.testing.assert_close(gradient, slow[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("lengths", [[5, 5], [2, 16]])
def test_dropout_keeps_the_mean_of_attention(lengths):
    torch.manual_seed(0)
    attention = (
        BertBackbone({**SIZES, "attention_probs_dropout_prob": 0.4, "model_type": "bert"}).encoder.layer[0].attention
    )
    attended = padded(3, lengths)["attention_mask"].bool()[:, None, None, :]
    parts = torch.randn(3, len(lengths), 4, max(lengths), 6)
    expected = attention.eval()._mix(*parts, attended)
    attention.train()
    drawn = torch.stack([attention._mix(*parts, attended) for _ in range(2000)])
    assert drawn.std(0).min() > 0.01
    torch.testing.assert_close(drawn.mean(0), expected, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("lengths", [[7, 7, 7], [1], [16, 1, 9]])
def test_the_same_vectors_and_gradients_as_transformers(folder, lengths):
    ours, theirs = BertBackbone.from_folder(folder).eval(), BertModel.from_pretrained(folder).eval()
    batch = padded(len(lengths), lengths)
    mask = batch["attention_mask"][:, :, None]
    mine = ours(batch).values * mask
    expected = theirs(**batch).last_hidden_state * mask
    torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-5)
    if len(set(lengths)) == 1:
        unmasked = ours({"input_ids": batch["input_ids"]}).values
        torch.testing.assert_close(unmasked, expected, rtol=1e-5, atol=1e-5)
    mine.square().sum().backward()
    expected.square().sum().backward()
    gradients = {name: weight.grad for name, weight in theirs.named_parameters() if weight.grad is not None}
    for name, weight in ours.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, gradients.pop(name), rtol=1e-3, atol=1e-4)
    assert not gradients


def test_what_one_saves_the_other_reads(folder, tmp_path, tokenizer_json):
    preprocess = {"name": "text", "tokenizer": tokenizer_json}
    network = TwinNetwork(BertBackbone.from_folder(folder), "pooling/mean", preprocess=preprocess)
    saved = network.save(tmp_path / "saved")
    again = BertModel.from_pretrained(saved)
    for name, weight in BertModel.from_pretrained(folder).state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], weight, rtol=0, atol=0)
    assert isinstance(TwinNetwork.load(saved).tower.backbone, BertBackbone)
    (saved / "twin.json").unlink()
    assert json.loads((saved / "config.json").read_text())["architectures"] == ["BertModel"]


def test_dropout_only_in_training(folder):
    backbone, batch = BertBackbone.from_folder(folder), padded(0, [5, 3])
    backbone.eval()
    assert torch.equal(backbone(batch).values, backbone(batch).values)
    backbone.train()
    assert not torch.equal(backbone(batch).values, backbone(batch).values)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "roberta"},
        {"hidden_act": "silu"},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
        {"auto_map": {"AutoModel": "code.Model"}},
    ],
)
def test_what_is_no_plain_encoder_is_left_to_transformers(folder, change):
    architecture = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(architecture))
    assert not is_bert(architecture)
    assert BertBackbone.from_folder(folder) is None
    with pytest.raises(TwinnetError, match="use the backbone 'transformers'"):
        BertBackbone(architecture)


def test_names_of_another_kind_are_left_to_transformers(folder):
    weights = load_file(folder / "model.safetensors")
    wanted = BertBackbone.from_folder(folder)
    save_file({f"bert.{name}": weight for name, weight in weights.items()}, folder / "model.safetensors")
    assert BertBackbone.from_folder(folder) is None
    network = TransformersBackbone.from_folder(folder).eval()
    batch = padded(3, [4, 4])
    torch.testing.assert_close(network(batch).values, wanted.eval()(batch).values, rtol=1e-5, atol=1e-5)
    old = weights | {"embeddings.position_ids": torch.arange(16)[None]}
    save_file(old, folder / "model.safetensors")
    assert BertBackbone.from_folder(folder) is not None


def test_a_damaged_file_and_a_long_sequence(folder):
    backbone = BertBackbone.from_folder(folder)
    with pytest.raises(TwinnetError, match="17 tokens.*16 positions: lower max_length"):
        backbone(padded(0, [17]))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(TwinnetError, match="damaged"):
        BertBackbone.from_folder(folder)


def test_weights_of_half_precision_are_computed_with_in_full(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight.half() for name, weight in weights.items()}, folder / "model.safetensors")
    backbone = BertBackbone.from_folder(folder)
    for name, weight in backbone.named_parameters():
        assert weight.dtype == torch.float32
        assert weight.requires_grad == (not name.startswith("pooler"))
        torch.testing.assert_close(weight.detach(), weights[name].half().float(), rtol=0, atol=0)


def test_what_is_learned_stays_out_of_the_file(folder):
    before = (folder / "model.safetensors").read_bytes()
    backbone = BertBackbone.from_folder(folder)
    for weight in backbone.parameters():
        weight.data.add_(1)
    assert (folder / "model.safetensors").read_bytes() == before


def test_made_by_name():
    torch.manual_seed(1)
    backbone = backbones.create({"name": "bert", "architecture": SIZES | {"model_type": "bert"}})
    assert backbone.width == 24
    assert 0.015 < float(backbone.embeddings.word_embeddings.weight.detach().std()) < 0.025


def test_loading_needs_no_transformers(folder):
    program = f"""
import sys
from pathlib import Path
import twinnet.network
from twinnet.backbones.bert import BertBackbone
assert BertBackbone.from_folder(Path({str(folder)!r})) is not None
loaded = {{"transformers", "scipy.stats._stats_py", "torch._dynamo"}} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True)
