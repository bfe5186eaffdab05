"""Small random dual encoders of transformers, in folders as it writes them."""

from __future__ import annotations

import pytest
import torch
from tokenizers import pre_tokenizers

LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
TEXT = {**LAYERS, "hidden_size": 32, "vocab_size": 520, "max_position_embeddings": 16}
VISION = {**LAYERS, "hidden_size": 32, "image_size": 32, "patch_size": 8}
SHORTER_SIDE = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
WHOLE = {"size": {"height": 32, "width": 32}}


def clip_tokenizer():
    """CLIP's own, with a vocabulary of bytes and one merge."""
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(f"{letter}</w>" for letter in alphabet), "at</w>", "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer({word: i for i, word in enumerate(words)}, [("a", "t</w>")], model_max_length=16)


def word_tokenizer(source):
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(source), model_max_length=16, **names)


def make_clip(source):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    tokenizer = clip_tokenizer()
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(text_config=TEXT | ends, vision_config=VISION, projection_dim=24)
    return CLIPModel(config), tokenizer, CLIPImageProcessor(**SHORTER_SIDE)


def make_chinese_clip(source):
    from transformers import ChineseCLIPConfig, ChineseCLIPImageProcessor, ChineseCLIPModel

    config = ChineseCLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=24)
    return ChineseCLIPModel(config), word_tokenizer(source), ChineseCLIPImageProcessor(do_center_crop=False, **WHOLE)


def make_siglip(source):
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    model = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=VISION))
    torch.nn.init.constant_(model.logit_scale, 2.3)
    torch.nn.init.constant_(model.logit_bias, -5.0)
    return model, word_tokenizer(source), SiglipImageProcessor(**WHOLE)


MAKERS = {"clip": make_clip, "chinese_clip": make_chinese_clip, "siglip": make_siglip}


@pytest.fixture
def write_dual_encoder(tmp_path, tokenizer_json):
    """Writes the folder of a small random model of a type, and gives it."""

    def write(kind):
        torch.manual_seed(0)
        folder = tmp_path / kind
        for part in MAKERS[kind](tokenizer_json):
            part.save_pretrained(folder)
        return folder

    return write
