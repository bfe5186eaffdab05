from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.heads import Dense
from twinnet.index import ExactIndex, HammingIndex, HashedIndex
from twinnet.registry import indexes


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 50), st.sampled_from(["cosine", "ip", "l2", "l1"]))
def test_with_all_rows_as_candidates_it_is_exact(seed, n, k, metric):
    rng = np.random.default_rng(seed)
    rows, queries = rng.integers(-2, 3, (n, 4)).astype(float), rng.integers(-2, 3, (3, 4)).astype(float)
    index = indexes.create("hashed", metric=metric, rows="float32", candidates=n)
    oracle = ExactIndex(metric)
    for each in (index, oracle):
        each.add(rows, ids=range(n, 2 * n))
    scores, ids = index.search(queries, k)
    expected, expected_ids = oracle.search(queries, k)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert ids.shape == expected_ids.shape
    # The last digit of a score may depend on how many are computed together, and with it the order of equal ones.
    np.testing.assert_allclose(np.sort(oracle_scores(oracle, queries, ids)), np.sort(expected), atol=1e-5)


def oracle_scores(oracle, queries, ids):
    every, order = oracle.search(queries, len(oracle))
    of = [dict(zip(*row, strict=True)) for row in zip(order, every, strict=True)]
    return np.array([[scores[i] for i in row] for scores, row in zip(of, ids, strict=True)])


@pytest.mark.parametrize("form", ["float32", "float16", "int8"])
def test_candidates_are_the_closest_codes_ordered_by_the_rows(form):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(300, 16)), rng.normal(size=(5, 16))
    layer = Dense(16, 70)
    index, codes, exact = HashedIndex(projection=layer, rows=form, candidates=4), HammingIndex(), ExactIndex()
    index.add(rows)
    exact.add(rows)
    with torch.inference_mode():
        hashed = [layer.linear(torch.tensor(part, dtype=torch.float32)).numpy() for part in (rows, queries)]
    codes.add(hashed[0])
    scores, ids = index.search(queries, 5)
    candidates = codes.search(hashed[1], 20)[1]
    every, order = exact.search(queries, 300)
    for i in range(5):
        assert set(ids[i]) <= set(candidates[i])
        true = dict(zip(order[i], every[i], strict=True))
        np.testing.assert_allclose(scores[i], [true[j] for j in ids[i]], atol=2e-2 if form == "int8" else 2e-3)
        np.testing.assert_allclose(scores[i], sorted((true[j] for j in candidates[i]), reverse=True)[:5], atol=2e-2)


def test_what_cannot_be_is_refused():
    with pytest.raises(TwinnetError, match="'hamming'"):
        HashedIndex("hamming")
    with pytest.raises(TwinnetError, match="candidates is 0"):
        HashedIndex(candidates=0)
    with pytest.raises(TwinnetError, match="float16"):
        HashedIndex(rows="float17")
    index = HashedIndex()
    assert index.search(np.ones((2, 4)), 3)[1].shape == (2, 0)
    index.add(np.ones((3, 4)))
    with pytest.raises(TwinnetError, match="width 5, expected 4"):
        index.search(np.ones((1, 5)), 1)
    with pytest.raises(TwinnetError, match="id 2 is in the index already"):
        index.add(np.ones((1, 4)), ids=[2])
    assert len(index) == len(index.rows.values) == 3
    index = HashedIndex(rows="int8")
    with pytest.raises(TwinnetError, match="need a sample"):
        index.add(np.ones((1, 4)))
    assert len(index) == len(index.rows.values) == 0
    with pytest.raises(TwinnetError, match="id 0 is in the index already"):
        index.add(np.eye(4), ids=[0, 1, 2, 0])
    index.add(np.eye(4)[:, :3] * 100)
    np.testing.assert_allclose(index.rows.take(np.array([0]))[0], [1, 0, 0], atol=0.01)
    with pytest.raises(TwinnetError, match="too large for float16"):
        HashedIndex("l2").add(np.full((2, 8), 1e5))


def test_an_index_that_was_saved_empty_can_be_filled(tmp_path):
    HashedIndex(projection={"name": "hyperplanes", "bits": 16}).save(tmp_path / "index")
    rows = np.random.default_rng(0).normal(size=(30, 8))
    loaded = HashedIndex.load(tmp_path / "index")
    loaded.add(rows)
    np.testing.assert_array_equal(loaded.search(rows, 1)[1][:, 0], np.arange(30))
