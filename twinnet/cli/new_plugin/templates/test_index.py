import numpy as np
import pytest
from twinnet import TwinnetError
from twinnet.index import ExactIndex
from twinnet.registry import indexes

TreeIndex = indexes.get("part-name")
RNG = np.random.default_rng(0)


def test_it_finds_what_comparing_with_every_row_finds(tmp_path):
    rows = RNG.normal(size=(50, 3)).astype(np.float32)
    queries = RNG.normal(size=(4, 3)).astype(np.float32)
    tree, exact = TreeIndex(), ExactIndex("l2")
    for index in (tree, exact):
        index.add(rows[:40])
        index.search(queries, 1)
        index.add(rows[40:])
        index.remove([3])
    scores, ids = TreeIndex.load(tree.save(tmp_path / "index")).search(queries, 60)
    expected_scores, expected_ids = exact.search(queries, 60)
    assert (ids == expected_ids).all()
    assert ids.shape == (4, 49)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-5)


def test_another_metric_is_refused():
    with pytest.raises(TwinnetError, match="'cosine'"):
        TreeIndex("cosine")
