from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.index import ExactIndex
from twinnet.index import exact as module
from twinnet.registry import indexes


def ranked_by_loops(query, rows, metric):
    """All rows, best first, equal ones in order."""

    def score(row):
        if metric == "ip":
            return float(query @ row)
        if metric == "l1":
            return -float(np.abs(query - row).sum())
        if metric == "l2":
            return -float(np.sqrt(((query - row) ** 2).sum()))
        return -float(((query > 0) != (row > 0)).sum())

    return sorted(range(len(rows)), key=lambda i: (-score(rows[i]), i))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 50), st.sampled_from(["ip", "l1", "l2", "hamming"]))
def test_against_loops_with_ties(seed, n, k, metric):
    rng = np.random.default_rng(seed)
    rows, queries = rng.integers(-1, 2, (n, 3)).astype(float), rng.integers(-1, 2, (4, 3)).astype(float)
    saved, module.CORPUS_BLOCK = module.CORPUS_BLOCK, 9
    try:
        index = indexes.create("exact", metric=metric)
        index.add(rows)
        scores, ids = index.search(queries, k)
    finally:
        module.CORPUS_BLOCK = saved
    assert ids.shape == scores.shape == (4, min(n, k))
    assert (np.diff(scores, axis=1) <= 0).all()
    for query, found in zip(queries, ids, strict=True):
        assert found.tolist() == ranked_by_loops(query, rows, metric)[:k]


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(1, 700), st.integers(1, 6), st.sampled_from([3, 1000]))
def test_the_best_of_many_columns(seed, columns, k, values):
    """Few values make many ties, within groups of neighbours and across them."""
    scores = torch.from_numpy(np.random.default_rng(seed).integers(0, values, (5, columns)).astype(np.float32))
    expected = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    assert torch.equal(module.best_columns(scores, k), expected)


def test_rows_come_and_go():
    index = ExactIndex()
    index.add(np.eye(3), ids=[7, 3, 9])
    index.add(np.eye(3)[:1] * 5)
    assert index.search([[1, 0, 0]], 2)[1].tolist() == [[7, 10]]
    index.remove([7])
    assert index.search([[1, 0, 0]], 9)[1].tolist() == [[10, 3, 9]]
    with pytest.raises(TwinnetError, match="id 9 is in the index already"):
        index.add(np.eye(3)[:1], ids=[9])
    with pytest.raises(TwinnetError, match="id 7 is not"):
        index.remove([7])
    with pytest.raises(TwinnetError, match="width 2, expected 3"):
        index.search([[1, 0]], 1)
    with pytest.raises(TwinnetError, match="one id for each"):
        index.add(np.eye(3), ids=[1])
    assert len(index) == 3


@pytest.mark.parametrize("metric", ["ip", "l2", "l1", "cosine", "hamming"])
def test_an_array_that_was_added_can_be_used_for_something_else(metric):
    rows, index = np.array([[1, 2, -1], [-2, 1, 1]], np.float32), ExactIndex(metric)
    index.add(rows)
    before = index.search(np.ones((1, 3)), 2)[0]
    rows[:] = -7
    np.testing.assert_array_equal(index.search(np.ones((1, 3)), 2)[0], before)


@pytest.mark.parametrize("codes", [np.ones((2, 4), np.uint8), torch.ones(2, 4, dtype=torch.int8)])
def test_codes_are_no_embeddings(codes):
    with pytest.raises(TwinnetError, match="codes are no embeddings"):
        ExactIndex("hamming").add(codes)


def test_an_empty_index_finds_nothing():
    scores, ids = ExactIndex().search([[1.0, 2.0]], 3)
    assert scores.shape == ids.shape == (1, 0)
