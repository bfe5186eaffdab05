from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.index import ExactIndex, exact, rounding
from twinnet.mining import search

SMALL = {"QUERY_BLOCK": 5, "TILE": 96, "GROUP": 4, "FEW_GROUPS": 2, "CACHED": 7, "CROWD": 3}


def make_small(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setattr(rounding, name, value)


@pytest.fixture
def small(monkeypatch):
    make_small(monkeypatch)


def make_rows(seed, count, width, kind):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, width)).astype(np.float32)
    if kind == "twins":
        rows = rows[rng.integers(0, max(1, count // 3), count)]
    elif kind == "clusters":
        rows = rows[rng.integers(0, 4, count)] + 1e-3 * rows
    elif kind == "lengths":
        rows *= np.float32(10.0) ** rng.integers(-6, 6, (count, 1)).astype(np.float32)
    elif kind == "zeros":
        rows[rng.random(count) < 0.3] = 0
    return rows


def by_float64(queries, rows, k, metric):
    """The best k scores of each query."""
    queries, rows = queries.astype(np.float64), rows.astype(np.float64)
    if metric == "cosine":
        queries, rows = (
            each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12) for each in (queries, rows)
        )
    return -np.sort(-(queries @ rows.T), axis=1)[:, :k], queries @ rows.T


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 9999), st.integers(1, 20), st.integers(16, 400), st.integers(1, 24), st.integers(1, 6),
    st.sampled_from(["plain", "twins", "clusters", "lengths", "zeros"]), st.sampled_from(["cosine", "ip"]),
)  # fmt: skip
def test_the_best_are_found(seed, count, n, width, k, kind, metric):
    rows, queries = make_rows(seed, n, width, kind), make_rows(seed + 1, count, width, "plain")
    k = min(k, n // 8) or 1
    asked = torch.from_numpy(queries)
    if metric == "cosine":
        asked = torch.nn.functional.normalize(asked)
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        found = rounding.search_rounded(asked, torch.from_numpy(rows), k, normalize=metric == "cosine")
    if found is None:
        return
    scores, positions = (part.numpy() for part in found)
    expected, every = by_float64(queries, rows, k, metric)
    size = np.abs(every).max(axis=1, keepdims=True)
    np.testing.assert_allclose(scores / size, expected / size, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, positions, 1) / size, expected / size, atol=1e-5)
    for row, place in zip(scores, positions, strict=True):
        assert len(set(place.tolist())) == k
        assert sorted(range(k), key=lambda i: (-row[i], place[i])) == list(range(k))


def test_it_is_not_given_up_on_embeddings(small):
    rows, queries = make_rows(0, 3000, 32, "plain"), make_rows(1, 70, 32, "plain")
    assert rounding.search_rounded(torch.from_numpy(queries), torch.from_numpy(rows), 3) is not None


@pytest.mark.parametrize("factor", [0.0, 1e-25, 1e-20, 1e20])
def test_what_bfloat16_cannot_tell_apart_is_given_up(small, factor):
    rows, queries = factor * make_rows(0, 300, 8, "plain"), factor * make_rows(1, 70, 8, "plain")
    assert rounding.search_rounded(torch.from_numpy(queries), torch.from_numpy(rows), 3) is None


def test_the_bound_holds():
    generator = torch.Generator().manual_seed(0)
    for width in (1, 3, 64, 1024):
        a, b = (torch.randn(200, width, generator=generator) ** 3 for _ in range(2))
        error = (a.bfloat16() @ b.bfloat16().T).double() - a.double() @ b.double().T
        lengths = [rounding.lengths_of(rows) for rows in (a, b)]
        assert (error.abs() < rounding.largest_error(lengths[0][:, None], lengths[1], width)).all()


def test_search_and_index_agree_with_and_without_it(monkeypatch):
    if not rounding.can_search("cosine", 100, 5000, 10):
        pytest.skip("this processor has no products of bfloat16 numbers")
    rows, queries = make_rows(0, 5000, 48, "twins"), make_rows(1, 100, 48, "plain")
    index = ExactIndex()
    index.add(rows, ids=np.arange(5000) + 7)
    fast, once = index.search(queries, 10), search(queries, rows, 10)
    monkeypatch.setattr(exact, "can_search", lambda *_: False)
    plain = index.search(queries, 10)
    for scores, ids in (fast, (once[0], once[1] + 7)):
        np.testing.assert_allclose(scores, plain[0], atol=1e-6)
        np.testing.assert_array_equal(ids, plain[1])


@pytest.mark.parametrize(
    "case", [("l2", 100, 5000, 10), ("cosine", 3, 5000, 10), ("cosine", 100, 100, 10), ("cosine", 100, 5000, 0)]
)
def test_it_is_not_tried_in_vain(case):
    assert not rounding.can_search(*case)


@pytest.mark.parametrize(("left", "right"), [(1e-24, 1.0), (1.0, 1e-24), (1e-37, 1e-37), (1e-37, 1.0), (1.0, 1e-37)])
@pytest.mark.parametrize("metric", ["ip", "cosine"])
def test_numbers_whose_squares_vanish(small, monkeypatch, metric, left, right):
    monkeypatch.setattr(rounding, "has_instructions", lambda names: True)
    rows, queries = (
        make_rows(0, 900, 16, "clusters") * np.float32(right),
        make_rows(1, 70, 16, "plain") * np.float32(left),
    )
    fast = search(queries, rows, 1, metric)
    monkeypatch.setattr(rounding, "has_instructions", lambda names: False)
    plain = search(queries, rows, 1, metric)
    np.testing.assert_array_equal(fast[1], plain[1])


def test_a_product_of_infinity_and_zero(monkeypatch):
    monkeypatch.setattr(rounding, "has_instructions", lambda names: True)
    scores, rows = search(np.full((64, 1), 3.4e38, np.float32), np.zeros((128, 1), np.float32), 1, "ip")
    assert not scores.any()
    assert not rows.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("metric", ["ip", "cosine"])
def test_a_row_that_is_not_finite_is_named(bad, metric):
    rows, queries = make_rows(0, 40_000, 4, "plain"), make_rows(1, 70, 4, "plain")
    rows[33_001, 2] = bad
    with pytest.raises(TwinnetError, match="row 33001 is not finite"):
        search(queries, rows, 3, metric)
