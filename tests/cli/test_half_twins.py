"""Commands on a half-twin of text and pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import twinnet
from tests.cli.conftest import LINES
from twinnet import Tower, TwinNetwork
from twinnet.cli.main import main

COLOURS = ("red", "blue", "small")


@pytest.fixture
def half_twin(make_text_network, tmp_path):
    """The folder of a small random network with text on the left and pictures on the right."""
    torch.manual_seed(1)
    text = make_text_network().tower
    other = Tower(
        "timm/resnet10t", ["pooling/mean", {"name": "dense", "out_features": 32}], {"name": "image", "size": [32, 32]}
    )
    network = TwinNetwork(text.backbone, text.head, "scaled-cosine", text.preprocess, other)
    return str(network.save(tmp_path / "half-twin"))


@pytest.fixture
def photos(tmp_path, pictures):
    """A folder of pictures, with one that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i}.png")
    return folder


def paths(folder):
    return [str(path) for path in sorted(folder.iterdir())]


def cosines(network, text, pictures):
    a, b = network.encode(text), network.encode(pictures, side="right")
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def test_a_text_finds_pictures(run, half_twin, photos, tmp_path):
    command = ["--query", "a red cat", "--model", half_twin, "--top", 4]
    result = run("search", photos, *command, "--save-index", tmp_path / "index")
    wanted = cosines(twinnet.load(half_twin), ["a red cat"], paths(photos))[0]
    order = np.argsort(-wanted, kind="stable")[:4]
    hits = result["results"][0]["hits"]
    assert result["pictures"] == len(wanted)
    assert [hit["image"] for hit in hits] == [paths(photos)[row] for row in order]
    assert [hit["score"] for hit in hits] == pytest.approx(wanted[order].tolist(), abs=1e-5)
    again = run("search", tmp_path / "index", *command)["results"][0]["hits"]
    assert [hit["image"] for hit in again] == [hit["image"] for hit in hits]


def test_a_picture_finds_texts_and_pictures(run, half_twin, photos, corpus):
    picture = paths(photos)[3]
    turned = "--query", picture, "--query-side", "right", "--model", half_twin
    texts = run("search", corpus, "--corpus-side", "left", *turned)
    assert {"i", "score", "text"} == texts["results"][0]["hits"][0].keys()
    assert texts["sentences"] == 5
    same = run("search", photos, *turned)
    assert same["results"][0]["hits"][0] == {"i": 3, "score": pytest.approx(1.0, abs=1e-5), "image": picture}


def test_pictures_are_labelled_by_names(run, lines, half_twin, photos, write):
    command = "label", photos, "--prompt", "a {} dog", "--top", 2, "--model", half_twin
    result = run(*command, "--labels", *COLOURS)
    network = twinnet.load(half_twin)
    wanted = (
        torch.from_numpy(network.similarity([f"a {name} dog" for name in COLOURS], paths(photos)).T).softmax(1).numpy()
    )
    for row, found in enumerate(result["results"]):
        best, second = found["labels"]
        assert found["image"] == paths(photos)[row]
        assert best["label"] == COLOURS[wanted[row].argmax()]
        assert best["probability"] == pytest.approx(wanted[row].max(), abs=1e-5)
        assert second["score"] <= best["score"]
    listed = run(*command, "--labels-from", write("names.txt", *COLOURS))
    assert listed["results"] == result["results"]
    one = lines("label", paths(photos)[2], "--labels", *COLOURS, "--model", half_twin)
    assert len(one) == 1
    assert "2.png" in one[0]
    assert "%" in one[0]


def test_texts_are_labelled_by_names(run, lines, model, corpus):
    result = run("label", corpus, "--labels", "cat", "dog", "--model", model)["results"]
    assert [found["text"] for found in result] == LINES
    assert all(found["labels"][0]["probability"] is None for found in result)


def test_a_side_can_be_embedded(run, half_twin, photos, corpus, tmp_path):
    assert run("encode", photos, "--side", "right", "--out", tmp_path / "r.npy", "--model", half_twin)["pictures"] == 9
    assert run("encode", corpus, "--out", tmp_path / "l.npy", "--model", half_twin)["sentences"] == 5
    wanted = twinnet.load(half_twin).encode(paths(photos), side="right")
    np.testing.assert_allclose(np.load(tmp_path / "r.npy"), wanted, atol=1e-6)


@pytest.mark.parametrize("command", [["search", "--query", "a cat", "--top", "9"], ["label", "--labels", "cat", "dog"]])
def test_a_bad_picture_is_named_and_the_others_are_used(capsys, half_twin, photos, command):
    (photos / "bad.png").write_text("no picture")
    assert main([command[0], str(photos), *command[1:], "--model", half_twin]) == 2
    out, err = capsys.readouterr()
    assert "0.png" in out
    assert "bad.png is not a picture" in err
    assert "1 of 10 pictures were left out" in err


def test_what_a_side_does_not_take_is_refused(refused, half_twin, photos, corpus):
    assert "this model takes text on the left" in refused("encode", photos, "--out", "x.npy", "--model", half_twin)
    assert "the cat sits on the mat: no such file" in refused("search", corpus, "--query", "x", "--model", half_twin)
    assert "gone: no such file" in refused("label", "gone", "--labels", "a", "--model", half_twin)
    assert "different names" in refused("label", photos, "--labels", "a", "a", "--model", half_twin)
    assert "each with {}" in refused("label", photos, "--labels", "a", "--prompt", "b", "--model", half_twin)
