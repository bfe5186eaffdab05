from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

import twinnet
from twinnet import TwinnetError
from twinnet.text.sbert import read_sbert

sentence_transformers = pytest.importorskip("sentence_transformers")
SentenceTransformer = sentence_transformers.SentenceTransformer

HEADS = [
    ["pooling/mean"],
    ["pooling/cls", "normalize"],
    ["pooling/max"],
    ["pooling/mean_sqrt_len_tokens"],
    ["pooling/weightedmean"],
    ["pooling/lasttoken"],
    [{"name": "pooling", "mode": ["mean", "max"]}, {"name": "dense", "out_features": 12, "activation": "tanh"}],
    ["pooling/mean", {"name": "dense", "out_features": 32, "residual": True}, "layernorm", "normalize"],
    [{"name": "pooling", "mode": ["cls", "lasttoken"], "include_prompt": False}],
]
PROMPTS = {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt": "query"}


def largest_difference(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_a_saved_network_loads_there_and_comes_back(make_text_network, sentences, tmp_path, head):
    network = make_text_network(head=head, preprocess=PROMPTS)
    for parameter in network.tower.head.parameters():
        torch.nn.init.normal_(parameter)
    expected = network.encode(sentences)
    peer = SentenceTransformer(str(network.save(tmp_path / "ours")), device="cpu")
    assert largest_difference(peer.encode(sentences), expected) <= 1e-5
    assert largest_difference(peer.encode(sentences, prompt_name="passage"), expected) > 1e-3
    assert largest_difference(peer.encode(sentences, prompt_name="passage"),
                              network.encode(sentences, prompt="passage")) <= 1e-5  # fmt: skip
    peer.save(str(tmp_path / "theirs"))
    again = twinnet.load(tmp_path / "theirs")
    assert largest_difference(again.encode(sentences), expected) <= 1e-5


def test_settings_cross_over(make_text_network, sentences, tmp_path):
    network = make_text_network(distance="dot", preprocess={"max_length": 9})
    network.truncate_dim = 16
    peer = SentenceTransformer(str(network.save(tmp_path / "ours")), device="cpu")
    assert peer.similarity_fn_name == "dot"
    assert peer.max_seq_length == 9
    assert largest_difference(peer.encode(sentences), network.encode(sentences)) <= 1e-5
    peer.save(str(tmp_path / "theirs"))
    again = twinnet.load(tmp_path / "theirs")
    assert type(again.distance).__name__ == "Dot"
    assert again.encode(sentences).shape == (len(sentences), 16)
    assert again.tower.preprocess.max_length == 9


def test_a_plain_transformers_folder_gets_mean_pooling(make_text_network, sentences, tmp_path):
    network = make_text_network()
    folder = network.save(tmp_path / "ours")
    for name in ("twin.json", "modules.json"):
        (folder / name).unlink()
    shutil.rmtree(folder / "1_Pooling")
    assert largest_difference(twinnet.load(folder).encode(sentences), network.encode(sentences)) <= 1e-6


def test_what_sentence_transformers_lacks_is_kept_out_of_its_files(make_text_network, sentences, tmp_path):
    network = make_text_network()
    network.other = make_text_network(seed=3).tower
    folder = network.save(tmp_path / "half")
    assert not (folder / "modules.json").exists()
    assert (twinnet.load(folder).encode(sentences) == network.encode(sentences)).all()


def their_folder(network, tmp_path):
    folder = network.save(tmp_path / "net")
    (folder / "twin.json").unlink()
    return folder


def test_an_unknown_module_is_named(text_network, tmp_path):
    folder = their_folder(text_network, tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.WordEmbeddings"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(TwinnetError, match=r"modules\.json.*WordEmbeddings"):
        read_sbert(folder)


def test_a_path_outside_the_folder_is_refused(text_network, tmp_path):
    folder = their_folder(text_network, tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = "../elsewhere"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(TwinnetError, match="outside the folder"):
        read_sbert(folder)


@pytest.mark.parametrize("name", ["modules.json", "config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_truncated_file_is_named(text_network, tmp_path, name):
    folder = their_folder(text_network, tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(TwinnetError, match=name.rpartition("/")[2].replace(".", r"\.")):
        read_sbert(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", '[{"path": ""}]'),
        ("modules.json", '[{"type": "Transformer"}]'),
        ("1_Pooling/config.json", "[]"),
        ("tokenizer_config.json", '{"a": '),
        ("tokenizer.json", b"\xff"),
    ],
)
def test_a_damaged_folder_is_one_clear_error(text_network, tmp_path, name, content):
    folder = their_folder(text_network, tmp_path)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TwinnetError, match=str(folder)):
        read_sbert(folder)


def test_truncated_weights_are_refused(text_network, tmp_path):
    folder = their_folder(text_network, tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(TwinnetError, match=str(folder)):
        read_sbert(folder)
