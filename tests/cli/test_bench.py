"""Each benchmark runs on tiny input, and what it says of the results holds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from tests.tracking.conftest import BOX, moving
from twinnet.acceleration import multiplies_bfloat16
from twinnet.cli.bench import task
from twinnet.cli.main import main


def test_sentences_are_encoded_equally(run, lines, write, corpus, model):
    pytest.importorskip("sentence_transformers")
    scored = write("sts.tsv", "score,s1,s2", "5,the cat,the cat sits", "1.5,a dog,red", "3,it is,it was")
    shown = run("bench", "text", corpus, "--model", model, "--rounds", 2, "--sts", scored)
    assert [contest["amount"] for contest in shown["contests"]] == [5, 5]
    for contest in shown["contests"]:
        own, peer = (contest["contestants"][name] for name in ("twinnet", "sentence-transformers"))
        assert peer["cosine"] == pytest.approx(1, abs=1e-5)
        assert own["gflops"] > 0
        assert len(own["seconds"]) == 2
        ours = [name for name in contest["contestants"] if name.startswith("twinnet")]
        assert [ratio["of"] for ratio in contest["ratios"]] == ours
        for ratio in contest["ratios"]:
            assert ratio["least"] <= ratio["median"] <= ratio["greatest"]
    spearman = {contestant["spearman"] for contestant in shown["contests"][0]["contestants"].values()}
    assert len(spearman) == 1


def test_mining_finds_what_the_peer_finds(run, lines):
    pytest.importorskip("sentence_transformers")
    command = ("bench", "mine", "--embeddings", 300, "--queries", 7, "--width", 16, "--rounds", 1)
    for contest in run(*command)["contests"]:
        assert contest["contestants"]["sentence-transformers"]["equal"] == 1.0
    assert sum("times as fast as sentence-transformers" in line for line in lines(*command)) == 2


@pytest.mark.parametrize("rows", [b"", None])
def test_nothing_to_mine_is_refused(tmp_path, capsys, rows):
    path = tmp_path / "rows.npy"
    if rows is None:
        np.save(path, np.ones((1, 8), dtype=np.float32))
    else:
        path.write_bytes(rows)
    assert main(["bench", "mine", str(path)]) == 2
    assert capsys.readouterr().err.startswith("twinnet: error: ")


def test_a_missing_peer_is_said_and_not_fatal(capsys, monkeypatch):
    monkeypatch.setattr(task, "find_spec", lambda package: None)
    assert task.installed("sentence_transformers") is False
    assert 'pip install "twinnet[bench]"' in capsys.readouterr().err


def test_mining_is_measured_alone_where_there_is_no_peer(run, monkeypatch):
    monkeypatch.setattr(task, "find_spec", lambda package: None)
    shown = run("bench", "mine", "--embeddings", 40, "--queries", 3, "--width", 8, "--rounds", 1)
    assert [contest["ratios"] for contest in shown["contests"]] == [[], []]


def test_starts_are_measured_in_new_processes(run, monkeypatch, model):
    monkeypatch.setattr(task, "find_spec", lambda package: None)
    shown = run("bench", "import", "--rounds", 1, "--model", model)
    assert [contest["work"] for contest in shown["contests"]] == ["import", "help", "load"]
    for contest in shown["contests"]:
        assert "python alone" in contest["contestants"]


def test_pictures_are_measured_beside_the_parts_of_the_work(run):
    (contest,) = run("bench", "images", "--files", 3, "--backbone", "timm/resnet10t", "--rounds", 1)["contests"]
    assert [ratio["to"] for ratio in contest["ratios"]] == ["bare decoding", "bare forward"]
    assert contest["amount"] == 3


def test_training_starts_from_the_same_weights(run, write, model):
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("datasets")
    scored = write("sts.tsv", "score,s1,s2", "5,the cat,the cat sits", "1.5,a dog,red", "3,it is,it was")
    (contest,) = run("bench", "train", scored, "--model", model, "--rounds", 1)["contests"]
    ours, peer = (contest["contestants"][name] for name in ("twinnet", "sentence-transformers"))
    assert contest["amount"] == 3
    assert -1 <= ours["spearman"] <= 1
    assert -1 <= peer["spearman"] <= 1


def test_the_parts_of_a_tracked_frame_are_measured(run, tmp_path):
    for number, frame in enumerate(moving(3)[0]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    np.savetxt(tmp_path / "groundtruth.txt", [BOX] * 3, delimiter=",")
    ours, siamfc = run("bench", "track", tmp_path, "--frames", 3, "--rounds", 1)["contests"]
    native = multiplies_bfloat16(torch.device("cpu"))
    halved = ["twinnet bfloat16", "twinnet bfloat16, 4 targets"] if native else []
    assert list(ours["contestants"]) == ["twinnet", "twinnet --fast", "twinnet, 4 targets", *halved]
    for contestant in ours["contestants"].values():
        assert min(contestant[f"{part} ms"] for part in ("decode", "crop", "network")) > 0
    assert {ratio["to"] for ratio in siamfc["ratios"]} == {"siamfc-pytorch's way"}
    assert [ratio["of"] for ratio in siamfc["ratios"]] == ["twinnet", *halved[:1]]
