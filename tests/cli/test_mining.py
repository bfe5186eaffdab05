"""`twinnet pairs`, `search` and `cluster`."""

from __future__ import annotations

import io
import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import twinnet
from twinnet.cli.cluster import _groups
from twinnet.cli.main import main
from twinnet.mining import communities


@pytest.fixture
def texts(corpus):
    return Path(corpus).read_text().splitlines()


@pytest.fixture
def scores(texts, model):
    """Cosine similarity of all with all."""
    rows = twinnet.load(model).encode(texts)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_pairs_are_those_of_brute_force(run, corpus, model, texts, scores):
    result = run("pairs", corpus, "--top", 4, "--model", model)
    assert result["sentences"] == len(texts)
    assert set(result["seconds"]) == {"load", "encode", "mine"}
    best = sorted(combinations(range(len(texts)), 2), key=lambda pair: -scores[pair])[:4]
    assert [(pair["i"], pair["j"]) for pair in result["pairs"]] == best
    for pair in result["pairs"]:
        assert list(pair) == ["i", "j", "score", "a", "b"]
        assert pair["score"] == pytest.approx(scores[pair["i"], pair["j"]], abs=1e-5)
        assert (pair["a"], pair["b"]) == (texts[pair["i"]], texts[pair["j"]])


def test_distinct_pairs_differ_in_more_than_case_and_punctuation(run, corpus, model):
    def rows(*options):
        return [
            (pair["i"], pair["j"]) for pair in run("pairs", corpus, "--model", model, "--top", 99, *options)["pairs"]
        ]

    assert len(rows()) == 10
    assert set(rows()) - set(rows("--distinct")) == {(0, 2)}
    assert rows("--min-score", 2) == []


def test_empty_lines_count_as_sentences_but_are_in_no_pair(run, write, model):
    corpus = write("blank.txt", "the cat", "", "a dog", "  ", "the cat")
    result = run("pairs", corpus, "--model", model)
    assert result["sentences"] == 5
    assert {(pair["i"], pair["j"]) for pair in result["pairs"]} == {(0, 2), (0, 4), (2, 4)}


def test_standard_input_and_columns(run, model, monkeypatch, write):
    table = "id\ttext\n1\tthe cat\n2\ta dog\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table.encode())))
    piped = run("pairs", "-", "--format", "tsv", "--column", "text", "--model", model)
    named = run("pairs", write("a.tsv", "id,text", "1,the cat", "2,a dog"), "--column", "text", "--model", model)
    assert piped["pairs"] == named["pairs"]
    assert (piped["pairs"][0]["a"], piped["pairs"][0]["b"]) == ("the cat", "a dog")


def test_pairs_for_people_and_in_a_file(lines, corpus, model, tmp_path):
    shown = lines("pairs", corpus, "--top", 1, "--model", model)
    assert len(shown) == 3
    assert shown[-1].startswith("5 sentences: load ")
    out = tmp_path / "pairs.json"
    assert lines("pairs", corpus, "--top", 1, "--model", model, "--out", out) == []
    assert len(json.loads(out.read_text())["pairs"]) == 1


def test_control_characters_do_not_reach_the_terminal(lines, write, model):
    corpus = write("escape.txt", "the \x1b[31mcat\x07", "a\u202e dog")
    shown = "\n".join(lines("pairs", corpus, "--model", model))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "cat" in shown


def test_search_ranks_the_corpus(run, corpus, model, texts, scores):
    result = run("search", corpus, "--query", texts[1], "--query", texts[3], "--top", 3, "--model", model)
    assert [found["query"] for found in result["results"]] == [texts[1], texts[3]]
    for found, row in zip(result["results"], (1, 3), strict=True):
        assert [hit["i"] for hit in found["hits"]] == np.argsort(-scores[row], kind="stable")[:3].tolist()
        assert found["hits"][0]["score"] == pytest.approx(1.0, abs=1e-5)
        assert found["hits"][1]["text"] == texts[found["hits"][1]["i"]]


def test_a_folder_with_something_else_keeps_its_corpus(refused, corpus, model, tmp_path):
    (tmp_path / "corpus.json").write_text("mine")
    command = ("search", corpus, "--query", "x", "--model", model, "--save-index", tmp_path)
    assert "choose a new folder" in refused(*command)
    assert (tmp_path / "corpus.json").read_text() == "mine"


def test_a_stored_index_gives_the_same(run, refused, corpus, model, write, tmp_path):
    index = tmp_path / "index"
    queries = write("queries.txt", "a red cat", "the park")
    direct = run("search", corpus, "--queries", queries, "--model", model, "--save-index", index)
    Path(corpus).unlink()
    assert run("search", index, "--queries", queries, "--model", model)["results"] == direct["results"]
    elsewhere = f"{Path(model).parent}/./{Path(model).name}"
    assert run("search", index, "--queries", queries, "--model", elsewhere)["results"] == direct["results"]
    other = twinnet.load(model)
    next(other.parameters()).data.mul_(-1)
    other.save(tmp_path / "other")
    assert f"search it with --model {model}" in refused("search", index, "--query", "x", "--model", tmp_path / "other")
    (index / "corpus.json").write_text("{")
    assert "corpus.json: missing or damaged" in refused("search", index, "--query", "x", "--model", model)


def test_queries_have_a_format_of_their_own(run, corpus, model, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text,x\na red cat,1\n")))
    result = run("search", corpus, "--queries", "-", "--queries-format", "csv", "--column", "text", "--model", model)
    assert [found["query"] for found in result["results"]] == ["a red cat"]
    assert result["sentences"] == len(Path(corpus).read_text().splitlines())


def test_a_corpus_is_searched_by_codes_too(run, refused, corpus, model, texts, tmp_path):
    command = ("--query", texts[1], "--top", 1, "--model", model)
    for index, score in (("hashed", 1.0), ("hamming", 0.0)):
        for source in (corpus, tmp_path / index):
            options = ("--index", index, "--save-index", tmp_path / index) if source is corpus else ()
            (hit,) = run("search", source, *command, *options)["results"][0]["hits"]
            assert hit["text"] == texts[1]
            assert hit["score"] == pytest.approx(score, abs=1e-3)
    assert "did you mean 'hamming'" in refused("search", corpus, *command, "--index", "haming")


def test_an_index_can_be_made_without_a_query(run, refused, corpus, model, tmp_path):
    assert run("search", corpus, "--model", model, "--save-index", tmp_path / "index")["results"] == []
    assert run("search", tmp_path / "index", "--query", "cat", "--model", model)["results"][0]["hits"]
    assert "nothing to do" in refused("search", corpus, "--model", model)


def test_communities(run, corpus, model, scores):
    threshold = float(np.median(scores))
    clusters = run("cluster", corpus, "--threshold", threshold, "--model", model)["clusters"]
    assert clusters
    for cluster in clusters:
        assert len(cluster) >= 2
        centre = cluster[0]["i"]
        assert all(scores[centre, member["i"]] >= threshold - 1e-5 for member in cluster)


@pytest.mark.parametrize("method", ["communities", "agglomerative", "deduplicate"])
def test_groups_are_those_of_the_networks_own_distance(method, run, refused, make_text_network, tmp_path, write):
    corpus = write("few.txt", "the cat", "the cat", "a dog runs in the park", "he or she")
    model = make_text_network(distance="euclidean").save(tmp_path / "model")
    command = ["cluster", corpus, "--method", method, "--model", model]
    clusters = run(*command, "--threshold", -1e-3)["clusters"]
    assert [[member["i"] for member in cluster] for cluster in clusters] == [[0, 1]]
    assert "say what is similar with --threshold" in refused(*command)


def test_near_duplicates(run, write, model):
    corpus = write("twice.txt", "the cat", "a dog runs", "the cat", "The cat", "it is red and blue in the park")
    clusters = run("cluster", corpus, "--method", "deduplicate", "--threshold", 0.9999, "--model", model)["clusters"]
    assert [[member["i"] for member in cluster] for cluster in clusters] == [[0, 2, 3]]


def test_groups_are_those_of_communities():
    angles = np.radians([0, 40, 80, 120, 160])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    expected = [group.tolist() for group in communities(rows, 0.7, 2)]
    assert _groups("communities", rows, 0.7, 2, "cosine") == expected
    assert sorted(map(len, expected)) == [2, 3]


def test_agglomerative_clusters_hold_every_sentence_once(run, corpus, model):
    command = "cluster", corpus, "--method", "agglomerative", "--min-size", 1, "--threshold", 0.5, "--model", model
    members = [member["i"] for cluster in run(*command)["clusters"] for member in cluster]
    assert sorted(members) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("command", [["pairs"], ["cluster"], ["search", "--query", "x"]])
def test_bad_files_are_named(command, refused, write, tmp_path, model):
    def message(path):
        return refused(command[0], path, *command[1:], "--model", model)

    assert "gone.txt: no such file" in message(tmp_path / "gone.txt")
    assert "empty.txt is empty" in message(write("empty.txt"))
    (tmp_path / "latin.txt").write_bytes(b"ok\ncaf\xe9\n")
    assert "latin.txt, line 2 is not UTF-8" in message(tmp_path / "latin.txt")
    assert "rows.jsonl, line 2: column 'text' is int 7" in message(write("rows.jsonl", '{"text": "a"}', '{"text": 7}'))
    assert "choose one with --column" in message(write("two.tsv", "a,b", "1,2"))


def test_unknown_models_offer_near_names(refused, corpus):
    assert "did you mean 'all-MiniLM-L6-v2'" in refused("pairs", corpus, "--model", "all-miniLM-L6-v2")


@pytest.mark.parametrize(
    "command", [["pairs", "{}", "--out", "{}"], ["search", "{}", "--query", "one", "--out", "./{}"],
                ["eval", "sts", "{}", "--out", "{}"]]
)  # fmt: skip
def test_what_is_read_is_not_written_over(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    Path("in.tsv").write_text("score\ts1\ts2\n1\ta\tb\n")
    assert main([part.format("in.tsv") for part in command]) == 2
    assert "in.tsv is read too" in capsys.readouterr().err
    assert Path("in.tsv").read_text().startswith("score")
