from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, ndcg_score

from twinnet import TwinnetError
from twinnet.evaluation.pairs import best_f1_threshold, binary_pairs
from twinnet.evaluation.retrieval import per_query, retrieval
from twinnet.evaluation.sts import sts
from twinnet.evaluation.triplets import triplets


def ranks_by_loops(values):
    return [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=3, max_size=30))
def test_spearman_is_the_pearson_of_ranks(rows):
    scores, gold = zip(*rows, strict=True)
    if len(set(scores)) < 2 or len(set(gold)) < 2:
        with pytest.raises(TwinnetError, match="equal"):
            sts(scores, gold)
        return
    figures = sts(scores, gold)
    expected = np.corrcoef(ranks_by_loops(scores), ranks_by_loops(gold))[0, 1]
    assert figures["spearman"] == pytest.approx(expected, abs=1e-9)
    assert figures["pearson"] == pytest.approx(np.corrcoef(scores, gold)[0, 1], abs=1e-9)
    assert figures["pairs"] == len(rows)


def test_the_best_threshold_is_best_and_is_used_as_it_is():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    scores = labels * 0.3 + rng.normal(size=200).round(1)
    threshold = best_f1_threshold(scores, labels)
    best = max(f1_score(labels, scores >= t) for t in np.unique(scores))
    figures = binary_pairs(scores, labels, threshold)
    assert figures["f1"] == pytest.approx(best)
    assert figures["f1"] == pytest.approx(f1_score(labels, scores >= threshold))
    assert figures["accuracy"] == pytest.approx(((scores >= threshold) == labels).mean())
    assert "f1" not in binary_pairs(scores, labels)


def test_average_precision_by_hand():
    figures = binary_pairs([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])
    assert figures["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert figures["roc_auc"] == pytest.approx(3 / 4)


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [0, 2], [0.5, 1]])
def test_labels_must_be_of_both_kinds(labels):
    with pytest.raises(TwinnetError, match="both must occur"):
        binary_pairs([0.1, 0.2], labels)


def test_triplets_count_ties_as_mistakes():
    assert triplets([0.9, 0.5, 0.1], [0.1, 0.5, 0.9]) == {"triplets": 3, "accuracy": pytest.approx(1 / 3)}
    with pytest.raises(TwinnetError):
        triplets([], [])


@given(st.integers(0, 999), st.integers(1, 25))
def test_ndcg_is_that_of_scikit_learn(seed, k):
    rng = np.random.default_rng(seed)
    gains = rng.integers(0, 4, size=(3, 20)).astype(float)
    gains[:, 0] += 1
    scores = np.array([rng.permutation(20) for _ in range(3)])
    rankings = np.argsort(-scores, axis=1).tolist()
    relevance = [dict(enumerate(row)) for row in gains]
    each = [ndcg_score(gains[row : row + 1], scores[row : row + 1], k=k) for row in range(3)]
    assert per_query(rankings, relevance, k=k)[f"ndcg@{k}"] == pytest.approx(each)
    assert retrieval(rankings, relevance, k=k)[f"ndcg@{k}"] == pytest.approx(np.mean(each))


def test_the_other_figures_by_hand():
    figures = retrieval([["a", "b", "c", "d"], ["x", "y", "z", "w"]], [{"b": 1, "d": 1, "q": 1}, {"x": 1}], k=4)
    assert figures["queries"] == 2
    assert figures["recall@4"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["precision@4"] == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert figures["mrr@4"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures["map@4"] == pytest.approx(((1 / 2 + 2 / 4) / 3 + 1) / 2)
    with pytest.raises(TwinnetError, match="query 1"):
        retrieval([["a"], ["a"]], [{"a": 1}, {"a": 0}])
