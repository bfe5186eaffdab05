"""Dual encoders as half-twins, with transformers itself as the oracle."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import twinnet
from tests.models.conftest import TEXT, VISION
from twinnet import TwinnetError, TwinNetwork
from twinnet.files import read_weights

TEXTS = ["a cat", "a photo of a Dog that runs in the park, fast!", "", "it is the small red mat " * 9, "Straße 猫"]


@pytest.fixture(params=["clip", "chinese_clip", "siglip"])
def kind(request):
    return request.param


def oracle(folder, kind, texts, pictures):
    """What transformers gives for the same folder."""
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    padding = {"padding": "max_length"} if kind == "siglip" else {"padding": True}
    tokens = AutoTokenizer.from_pretrained(folder)(texts, truncation=True, return_tensors="pt", **padding)
    if kind == "siglip":
        del tokens["attention_mask"]
    tokens.pop("token_type_ids", None)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = torch.cat([processor(Image.fromarray(p), return_tensors="pt")["pixel_values"] for p in pictures])
    with torch.inference_mode():
        return AutoModel.from_pretrained(folder).eval()(**tokens, pixel_values=pixels), pixels


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_it_gives_what_transformers_gives(write_dual_encoder, kind, pictures):
    folder = write_dual_encoder(kind)
    expected, pixels = oracle(folder, kind, TEXTS, pictures)
    network = twinnet.load(folder)
    reader = network.side("right").reader()
    ours = reader.collate(reader.prepare(pictures))["pixels"]
    assert (ours - pixels).abs().max() < 1e-5
    assert np.abs(unit(network.encode(TEXTS)) - expected.text_embeds.numpy()).max() < 1e-5
    assert np.abs(unit(network.encode(pictures, side="right")) - expected.image_embeds.numpy()).max() < 1e-5
    assert np.abs(network.similarity(TEXTS, pictures) - expected.logits_per_text.numpy()).max() < 1e-4


def test_it_comes_back_from_its_own_folder(write_dual_encoder, kind, pictures, tmp_path):
    network = twinnet.load(write_dual_encoder(kind))
    folder = network.save(tmp_path / "saved")
    assert not list(folder.rglob("*.bin"))
    halves = [read_weights(folder / place / "model.safetensors") for place in ("", "other")]
    assert [{name[:3] for name in half} for half in halves] == [{"tex"}, {"vis"}]  # each is written once
    again = twinnet.load(folder)
    assert np.abs(again.similarity(TEXTS, pictures) - network.similarity(TEXTS, pictures)).max() < 1e-4


def test_weights_are_tensors_alone(write_dual_encoder, tmp_path):
    folder = write_dual_encoder("clip")
    expected = twinnet.load(folder).encode(TEXTS)
    weights = read_weights(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert np.abs(twinnet.load(folder).encode(TEXTS) - expected).max() < 1e-6
    torch.save({**weights, "logit_scale": Trap(tmp_path / "sprung")}, folder / "pytorch_model.bin")
    with pytest.raises(TwinnetError, match="cannot read this model"):
        twinnet.load(folder)
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"do_normalize": False}, "do_normalize"),
        ({"do_pad": True}, "do_pad"),
        ({"do_center_crop": False}, "not resized"),
        ({"resample": 0}, "not resized"),
        ({"rescale_factor": 1.0}, "not resized"),
    ],
)
def test_pictures_that_are_prepared_in_another_way_are_refused(write_dual_encoder, changes, message):
    folder = write_dual_encoder("clip")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(TwinnetError, match=message):
        twinnet.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"])
def test_a_damaged_file_is_an_error(write_dual_encoder, name):
    folder = write_dual_encoder("clip")
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(TwinnetError, match=rf"{folder}|{name}"):
        twinnet.load(folder)


def test_a_model_that_writes_text_about_pictures_is_refused(write_dual_encoder):
    from transformers import LlavaConfig

    text = {"model_type": "llama", "num_key_value_heads": 2, **TEXT}
    folder = write_dual_encoder("clip")
    LlavaConfig(text_config=text, vision_config={"model_type": "clip_vision_model", **VISION}).save_pretrained(folder)
    with pytest.raises(TwinnetError, match="'llava' is no dual encoder"):
        twinnet.load(folder)


@pytest.mark.parametrize("modality", ["sound", ""])
def test_an_unknown_modality_is_refused(modality):
    from transformers import CLIPConfig

    architecture = CLIPConfig(text_config=TEXT, vision_config=VISION).to_diff_dict()
    with pytest.raises(TwinnetError, match="unknown modality"):
        TwinNetwork({"name": "dual-encoder", "architecture": architecture, "modality": modality}, [])
