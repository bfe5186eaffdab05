from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import twinnet

STS = ("score,s1,s2", "5,the cat,the cat sits", "1.5,a dog,red", "3,it is,it was", "0,park,he or she")


@pytest.fixture
def cosines(model):
    def cosines(left, right):
        a, b = twinnet.load(model).encode(left), twinnet.load(model).encode(right)
        return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)

    return cosines


def test_sts(run, lines, write, model, cosines):
    path = write("sts.tsv", *STS)
    gold, left, right = zip(*(line.split(",") for line in STS[1:]), strict=True)
    figures = run("eval", "sts", path, "--model", model)
    scores, gold = cosines(left, right), np.array(gold, dtype=float)
    assert figures["pairs"] == 4
    assert figures["spearman"] == pytest.approx(stats.spearmanr(scores, gold).statistic, abs=1e-6)
    assert figures["pearson"] == pytest.approx(np.corrcoef(scores, gold)[0, 1], abs=1e-6)
    assert f"spearman           {figures['spearman']:.4f}" in lines("eval", "sts", path, "--model", model)


def test_sts_takes_any_scale(run, write, model):
    other_scale = [",".join([str(float(line.split(",")[0]) * 40 - 100), *line.split(",")[1:]]) for line in STS[1:]]
    plain, scaled = write("a.tsv", *STS), write("b.tsv", STS[0], *other_scale)
    figures = [run("eval", "sts", path, "--model", model) for path in (plain, scaled)]
    assert figures[0]["spearman"] == figures[1]["spearman"]
    assert figures[0]["pearson"] == pytest.approx(figures[1]["pearson"], abs=1e-9)


def test_pairs_take_their_threshold_from_development_data(run, write, model):
    test = write("test.tsv", "label,s1,s2", "1,the cat,the cat", "0,dog,park red", "1,it is,it is", "0,a,small")
    dev = write("dev.tsv", "label,s1,s2", "1,the dog,the dog", "0,cat,on mat", "0,cat,query")
    without = run("eval", "pairs", test, "--model", model)
    assert (without["pairs"], without["positives"], without["average_precision"]) == (4, 2, 1.0)
    assert "f1" not in without
    figures = run("eval", "pairs", test, "--dev", dev, "--model", model)
    assert figures["threshold"] == pytest.approx(1.0, abs=1e-5)
    assert {"f1", "accuracy", "precision", "recall"} <= set(figures)


def test_triplets(run, write, model):
    path = write("t.tsv", "anchor,positive,negative", "the cat,the cat,red", "dog,blue,dog", "it is,it is,park")
    figures = run("eval", "triplets", path, "--model", model)
    assert (figures["triplets"], figures["accuracy"]) == (3, pytest.approx(2 / 3))


def test_retrieval(run, write, model):
    corpus = write("corpus.tsv", "id,text", "d1,the cat", "d2,a dog runs", "d3,red and blue", "d4,in the park")
    queries = write("queries.tsv", "id,text", "q1,a dog runs", "q2,the cat", "q3,nobody judged this one")
    relevance = write("relevance.tsv", "query,document,gain", "q1,d2,1", "q2,d1,2", "q2,d3,0")
    figures = run("eval", "retrieval", corpus, queries, relevance, "--top", 1, 3, "--model", model)
    assert figures["queries"] == 2
    assert (figures["ndcg@1"], figures["recall@1"], figures["mrr@3"], figures["recall@3"]) == (1.0, 1.0, 1.0, 1.0)


def test_the_format_is_that_of_all_three_files(run, write, model):
    corpus = write("corpus.dat", "id,text", "d1,the cat", "d2,she runs")
    queries = write("queries.dat", "id,text", "q1,she runs")
    relevance = write("relevance.dat", "query,document,gain", "q1,d2,1")
    files = (corpus, queries, relevance)
    assert run("eval", "retrieval", *files, "--format", "csv", "--top", 1, "--model", model)["ndcg@1"] == 1.0


def test_retrieval_names_what_is_not_there(refused, write, model):
    corpus = write("corpus.tsv", "id,text", "d1,the cat")
    relevance = write("relevance.tsv", "query,document,gain", "d1,d1,1", "d1,d9,1")
    assert "takes three files" in refused("eval", "retrieval", corpus, "--model", model)
    assert "relevance.tsv, line 3: there is no document 'd9'" in refused(
        "eval", "retrieval", corpus, corpus, relevance, "--model", model
    )


@pytest.fixture
def cranfield(tmp_path):
    (tmp_path / "cran.all.1400").write_text(
        ".I 1\n.T\nthe cat\n.A\nsomeone\n.B\n.W\nthe cat\nsits on\n.I 2\n.T\na title\n.W\n.I 3\n.T\n.W\nred and blue\n"
    )
    (tmp_path / "cran.qry").write_text(".I 004\n.W\nthe cat\nsits on\n.I 7\n.W\nred and blue\n")
    (tmp_path / "cranqrel").write_text("1 1 1\n1 2 -1\n2 3 4 \n2 1 3\n")
    return tmp_path


def test_a_cranfield_folder(run, refused, cranfield, model):
    figures = run("eval", "retrieval", cranfield, "--top", 1, "--model", model)
    assert (figures["queries"], figures["mrr@1"], figures["recall@1"]) == (2, 1.0, 0.75)
    # Of the second query, the first document has gain 1, and the best has gain 2.
    assert figures["ndcg@1"] == pytest.approx((1 + 1 / 2) / 2)
    (cranfield / "cranqrel").write_text("1 1 1\n1 8 1\n")
    assert "cranqrel, line 2: there is no such query or document" in refused("eval", "retrieval", cranfield)
    (cranfield / "cran.qry").write_text("what is this\n")
    assert "cran.qry: expected records" in refused("eval", "retrieval", cranfield)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["score,s1", "1,a"], "no column 's2'"),
        (["score,s1,s2", "1,a,b", "x,a,b"], "line 3: column 'score' is 'x': expected a number"),
        (["score,s1,s2", "1,a,b", "1,a"], "line 3 has 2 columns, the header has 3"),
        (["score,s1,s2", "1,a,b", "1,c,d"], "all 2 gold values are equal"),
        (["score,s1,s2"], "has a header and no rows"),
    ],
)
def test_bad_data_is_named(content, message, refused, write, model):
    assert message in refused("eval", "sts", write("sts.tsv", *content), "--model", model)
