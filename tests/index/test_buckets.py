from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.index import BucketIndex, HammingIndex


def clustered(rng, n, width=96):
    """Rows around a few centres, each with a fifth of its signs turned."""
    centres = rng.choice([-1.0, 1.0], (12, width))
    return centres[rng.integers(0, 12, n)] * np.where(rng.random((n, width)) < 0.2, -1, 1)


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(1, 120), st.integers(1, 130), st.integers(1, 9))
def test_it_is_exhaustive_where_it_probes_every_bucket(seed, n, k, buckets):
    rng = np.random.default_rng(seed)
    rows, queries = rng.normal(size=(n, 10)), rng.normal(size=(3, 10))
    index, oracle = BucketIndex(probes=max(1, buckets - 1), buckets=buckets), HammingIndex()
    # One bucket less than all, but as many rows as there are: the last one has to be probed too.
    for each in (index, oracle):
        each.add(rows)
    for ours, theirs in zip(index.search(queries, n + k), oracle.search(queries, n + k), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_few_buckets_hold_most_of_what_is_close_and_scores_are_exact():
    rng = np.random.default_rng(0)
    rows = clustered(rng, 2040)
    index, oracle = BucketIndex(probes=8), HammingIndex()
    for each in (index, oracle):
        each.add(rows[:2000])
    scores, ids = index.search(rows[2000:], 10)
    expected, _ = oracle.search(rows[2000:], 10)
    assert (scores >= expected[:, -1:]).mean() > 0.9
    for query, found, row_scores in zip(rows[2000:], ids, scores, strict=True):
        np.testing.assert_array_equal(row_scores, [-np.sum((query > 0) != (rows[i] > 0)) for i in found])


def test_threads_may_make_the_buckets_at_once():
    rng = np.random.default_rng(0)
    rows = clustered(rng, 6000)
    index, oracle = BucketIndex(probes=8), BucketIndex(probes=8)
    for each in (index, oracle):
        each.add(rows)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: index.search(rows[:20], 5), range(8)))
    for result in found:
        np.testing.assert_array_equal(result, oracle.search(rows[:20], 5))


def test_rows_come_and_go_without_new_centres_until_it_has_grown_fourfold():
    rng = np.random.default_rng(1)
    rows = clustered(rng, 900)
    index = BucketIndex(probes=12, buckets=30)
    index.add(rows[:200])
    index.search(rows[:1], 1)
    centres = index._centres
    index.add(rows[200:400])
    index.remove(range(100))
    assert index.search(rows[300:301], 1)[1].tolist() == [[300]]
    assert index._centres is centres
    assert 50 not in index.search(rows[50:51], 300)[1]
    index.add(rows[400:])
    index.add(rows[:100])
    assert index.search(rows[800:801], 1)[1].tolist() == [[800]]
    assert index._centres is not centres


def test_nothing_to_probe_is_refused():
    for arguments in ({"probes": 0}, {"buckets": 0}):
        with pytest.raises(TwinnetError, match="at least 1"):
            BucketIndex(**arguments)
    assert BucketIndex().search(np.ones((1, 8)), 2)[1].shape == (1, 0)
