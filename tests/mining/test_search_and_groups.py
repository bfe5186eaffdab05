from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from twinnet import TwinnetError
from twinnet.mining import agglomerate, communities, deduplicate, search


@pytest.fixture
def clustered():
    """Rows around eight centres, and some that belong to none."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(8, 16))
    members = [centre + 0.15 * rng.normal(size=(rng.integers(4, 30), 16)) for centre in centres]
    rows = np.concatenate([*members, rng.normal(size=(20, 16))]).astype(np.float32)
    return rows[rng.permutation(len(rows))]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_search_against_a_full_sort(clustered):
    scores, found = search(clustered[:5], clustered, k=7)
    similarity = unit(clustered[:5]) @ unit(clustered).T
    np.testing.assert_array_equal(found, np.argsort(-similarity, axis=1, kind="stable")[:, :7])
    np.testing.assert_allclose(scores, np.take_along_axis(similarity, found, axis=1), atol=1e-6)


def test_a_search_for_nothing_is_refused(clustered):
    with pytest.raises(TwinnetError, match="k is 0"):
        search(clustered[:5], clustered, k=0)


def test_communities_are_those_of_sentence_transformers(clustered):
    util = pytest.importorskip("sentence_transformers.util")
    expected = util.community_detection(clustered, threshold=0.8, min_community_size=4)
    found = communities(clustered, threshold=0.8, min_size=4)
    assert len(found) == len(expected) > 4
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    for members in found:
        assert (unit(clustered)[members] @ unit(clustered)[members[0]] >= 0.8 - 1e-6).all()


def test_communities_of_nothing():
    assert communities(np.empty((0, 3))) == []
    assert communities(np.eye(3), threshold=0.5, min_size=2) == []


def test_agglomerative_clusters_recover_the_groups(clustered):
    labels = agglomerate(clustered, threshold=0.5)
    groups = communities(clustered, threshold=0.8, min_size=4)
    assert all(len(set(labels[members].tolist())) == 1 for members in groups)
    assert len(set(agglomerate(clustered, clusters=5).tolist())) == 5
    assert labels[0] == 0
    with pytest.raises(TwinnetError, match="either"):
        agglomerate(clustered)
    with pytest.raises(TwinnetError, match="choose from 1"):
        agglomerate(clustered, clusters=10_000)
    with pytest.raises(TwinnetError, match="finite"):
        agglomerate(clustered, threshold=float("nan"))


@pytest.mark.parametrize("metric", ["l2", "l1", "ip"])
def test_agglomerative_clusters_of_other_metrics_are_those_of_scipy(clustered, metric):
    distances = {
        "l2": lambda: pdist(clustered),
        "l1": lambda: pdist(clustered, "cityblock"),
        "ip": lambda: 100 - squareform(clustered.astype(float) @ clustered.T, checks=False),
    }[metric]()
    limit = float(np.median(distances))
    expected = fcluster(linkage(distances, "average"), limit, "distance")
    labels = agglomerate(clustered, threshold=(100 if metric == "ip" else 0) - limit, metric=metric)
    assert 1 < len(set(labels.tolist())) < len(labels)
    np.testing.assert_array_equal(labels[:, None] == labels, expected[:, None] == expected)


def test_equal_rows_are_joined_at_the_highest_score():
    rows = np.eye(3)[[0, 1, 0, 1, 2]]
    assert agglomerate(rows, threshold=1.0).tolist() == [0, 1, 0, 1, 2]
    assert agglomerate(rows, threshold=1.5).tolist() == [0, 1, 2, 3, 4]


def deduplicated_by_loops(rows, threshold):
    kept, representative = [], []
    for i, row in enumerate(rows):
        close = [(float(row @ rows[j]), -j) for j in kept]
        score, nearest = max(close, default=(-np.inf, 0))
        if score >= threshold:
            representative.append(-nearest)
        else:
            kept.append(i)
            representative.append(i)
    return kept, representative


@pytest.mark.parametrize("threshold", [0.5, 0.9, 2.0, -2.0])
def test_deduplication_against_loops(clustered, threshold):
    rows = np.concatenate([clustered] * 4)
    result = deduplicate(rows, threshold)
    kept, representative = deduplicated_by_loops(unit(rows), threshold)
    np.testing.assert_array_equal(result.kept, kept)
    np.testing.assert_array_equal(result.representative, representative)


@pytest.mark.parametrize("group", [communities, deduplicate])
def test_a_threshold_that_is_no_number_is_refused(group):
    with pytest.raises(TwinnetError, match="threshold is nan"):
        group(np.ones((3, 2), np.float32), float("nan"))
