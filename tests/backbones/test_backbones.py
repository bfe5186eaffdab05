from __future__ import annotations

import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.registry import backbones

PIXELS = {"pixels": torch.randn(2, 3, 64, 64)}


@pytest.mark.parametrize(
    "name",
    ["timm/resnet10t", "timm/mobilenetv3_small_050", "timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224"],
)
def test_timm_declares_what_it_gives(name):
    backbone = backbones.create(name).eval()
    batch = {"pixels": torch.randn(2, 3, 224, 224)} if "224" in name else PIXELS
    with torch.no_grad():
        features = backbone(batch)
    assert features.values.shape[0] == 2
    if features.kind == "map":
        assert features.values.shape[1] == backbone.width
        assert features.values.shape[2] == batch["pixels"].shape[2] // backbone.stride
    else:
        assert features.values.shape[-1] == backbone.width
    assert features.kind == backbone.kind


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "vit_b_32"])
def test_torchvision_declares_what_it_gives(name):
    if name == "squeezenet1_1":
        with pytest.raises(TwinnetError, match="squeezenet1_1"):
            backbones.create(f"torchvision/{name}")
        return
    backbone = backbones.create(f"torchvision/{name}").eval()
    batch = {"pixels": torch.randn(2, 3, 224, 224)} if name == "vit_b_32" else PIXELS
    with torch.no_grad():
        features = backbone(batch)
    assert (features.kind, features.values.shape) == ("vector", (2, backbone.width))


@pytest.mark.parametrize(
    "architecture",
    [
        {"model_type": "roberta", "vocab_size": 99, "hidden_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 2, "intermediate_size": 16, "pad_token_id": 1},
        {"model_type": "mpnet", "vocab_size": 99, "hidden_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 2, "intermediate_size": 16, "pad_token_id": 1},
        {"model_type": "distilbert", "vocab_size": 99, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
        {"model_type": "t5", "vocab_size": 99, "d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "d_kv": 8},
        {"model_type": "qwen2", "vocab_size": 99, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "num_key_value_heads": 2, "intermediate_size": 16},
    ],
    ids=lambda a: a["model_type"],
)  # fmt: skip
def test_architectures_of_transformers_are_saved_and_padded_right(architecture, tmp_path, tokenizer_json, sentences):
    preprocess = {"name": "text", "tokenizer": tokenizer_json, "pad_id": architecture.get("pad_token_id", 0)}
    network = TwinNetwork({"name": "transformers", "architecture": architecture}, preprocess=preprocess)
    assert network.dim == 16
    items = network.tower.preprocess.prepare(sentences[:6])
    with torch.no_grad():
        together = network.tower.embed(items)
        apart = torch.cat([network.tower.embed([item]) for item in items])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-4)
    again = TwinNetwork.load(network.save(tmp_path / "net"))
    assert (again.encode(sentences) == network.encode(sentences)).all()


def test_image_networks_ask_for_their_own_preprocess():
    network = TwinNetwork("timm/resnet10t")
    assert network.tower.preprocess.config["mean"] == list(network.tower.backbone.model.pretrained_cfg["mean"])
