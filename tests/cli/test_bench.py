"""Each benchmark runs on tiny input, and what it says of the results holds."""

from __future__ import annotations

import pytest

from twinnet.cli.bench import task


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
        (ratio,) = contest["ratios"]
        assert ratio["least"] <= ratio["median"] <= ratio["greatest"]
    spearman = {contestant["spearman"] for contestant in shown["contests"][0]["contestants"].values()}
    assert len(spearman) == 1


def test_mining_finds_what_the_peer_finds(run, lines):
    pytest.importorskip("sentence_transformers")
    command = ("bench", "mine", "--embeddings", 300, "--queries", 7, "--width", 16, "--rounds", 1)
    for contest in run(*command)["contests"]:
        assert contest["contestants"]["sentence-transformers"]["equal"] == 1.0
    assert sum("times as fast as sentence-transformers" in line for line in lines(*command)) == 2


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
