from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.index.metrics import METRICS, block_scores, ready
from twinnet.mining import most_similar_pairs
from twinnet.mining import pairs as module


def brute_force(embeddings, top_k, metric="cosine", skip=None):
    """All pairs, sorted."""
    rows = ready(np.asarray(embeddings, np.float32), metric)
    scores = block_scores(rows, rows, metric).numpy()
    i, j = np.triu_indices(len(rows), 1)
    if skip is not None:
        counts = ~skip(i, j)
        i, j = i[counts], j[counts]
    order = np.lexsort((j, i, -scores[i, j]))[:top_k]
    return list(zip(i[order].tolist(), j[order].tolist(), strict=True)), scores[i, j][order]


# Whole numbers make scores exact, whatever the order of summation, and ties frequent.
def whole_numbers(seed, n, d):
    return np.random.default_rng(seed).integers(-2, 3, size=(n, d)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.integers(1, 60), st.integers(1, 400), st.sampled_from(["ip", "hamming", "l1"]))
def test_exactly_what_brute_force_finds(seed, n, top_k, metric):
    embeddings = whole_numbers(seed, n, 4)
    saved = module.ROWS, module.COLUMNS, module.BUFFER
    module.ROWS, module.COLUMNS, module.BUFFER = 7, 11, 16
    try:
        found = most_similar_pairs(embeddings, top_k, metric=metric)
    finally:
        module.ROWS, module.COLUMNS, module.BUFFER = saved
    expected, scores = brute_force(embeddings, top_k, metric)
    assert [(pair.i, pair.j) for pair in found] == expected
    np.testing.assert_array_equal([pair.score for pair in found], scores)


@pytest.mark.parametrize("metric", METRICS)
def test_five_thousand_rows(metric):
    rng = np.random.default_rng(5)
    embeddings = rng.normal(size=(5000, 24)).astype(np.float32)
    embeddings[4000:4500] = embeddings[:500]  # ties
    if metric in ("l1", "l2", "hamming"):
        embeddings = embeddings[2500:]
    found = most_similar_pairs(embeddings, 700, metric=metric)
    expected, scores = brute_force(embeddings, 700, metric)
    np.testing.assert_allclose([pair.score for pair in found], scores, atol=1e-5)
    assert len({(pair.i, pair.j) for pair in found}) == 700
    assert all(pair.i < pair.j for pair in found)
    clear = {pair for pair, score in zip(expected, scores, strict=True) if score > scores[-1] + 1e-4}
    assert clear <= {(pair.i, pair.j) for pair in found}


def test_skipped_pairs_do_not_count():
    embeddings = whole_numbers(1, 50, 3)

    def skip(i, j):
        return (i + j) % 3 == 0

    found = most_similar_pairs(embeddings, 30, metric="ip", skip=skip)
    assert [(pair.i, pair.j) for pair in found] == brute_force(embeddings, 30, "ip", skip)[0]


def test_all_rows_equal():
    found = most_similar_pairs(np.ones((300, 4)), 5)
    assert [(pair.i, pair.j) for pair in found] == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]


def test_min_score_and_few_rows():
    embeddings = np.eye(4, dtype=np.float32)
    embeddings[1, 0] = 1
    assert [(p.i, p.j) for p in most_similar_pairs(embeddings, min_score=0.5)] == [(0, 1)]
    assert most_similar_pairs(embeddings[:1]) == []
    assert most_similar_pairs(np.empty((0, 3))) == []
    assert len(most_similar_pairs(embeddings, 100)) == 6


def test_bad_input_is_named():
    rows = np.ones((5, 3), np.float32)
    rows[3, 1] = np.nan
    with pytest.raises(TwinnetError, match="row 3"):
        most_similar_pairs(rows)
    with pytest.raises(TwinnetError, match="top_k is 0"):
        most_similar_pairs(np.ones((5, 3)), 0)
    with pytest.raises(TwinnetError, match="'cosin'.*'cosine'"):
        most_similar_pairs(np.ones((5, 3)), metric="cosin")
    with pytest.raises(TwinnetError, match="1 dimensions"):
        most_similar_pairs(np.ones(5))


def test_memory_stays_bounded():
    import subprocess
    import sys

    program = """
import resource, numpy as np
from twinnet.mining import most_similar_pairs
rows = np.random.default_rng(0).normal(size=(30000, 16)).astype(np.float32)
most_similar_pairs(rows[:100], 5)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
most_similar_pairs(rows, 100)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400_000  # kilobytes; the scores of all pairs would be 3,600,000


@pytest.mark.parametrize("top_k", [1, 10, 5000])
def test_the_best_are_sorted_out_a_few_times_and_not_for_every_strip(monkeypatch, top_k):
    sorted_out = []
    settle = module._Best.settle
    monkeypatch.setattr(module._Best, "settle", lambda best: (sorted_out.append(best.held), settle(best)))
    monkeypatch.setattr(module, "BUFFER", 8000)
    most_similar_pairs(np.random.default_rng(0).normal(size=(400, 8)), top_k)
    assert all(held > max(1000, 2 * top_k) for held in sorted_out[:-1])


@pytest.mark.parametrize(("name", "value"), [("top_k", 2.5), ("top_k", 0), ("min_score", float("nan"))])
def test_what_is_no_number_of_pairs_or_score_is_refused(name, value):
    with pytest.raises(TwinnetError, match=f"{name} is {value}"):
        most_similar_pairs(np.ones((3, 2)), **{name: value})
