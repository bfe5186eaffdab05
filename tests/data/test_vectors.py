from __future__ import annotations

import numpy as np
import pytest

from twinnet import TwinnetError, TwinNetwork


def test_a_network_of_stored_vectors_gives_them_back(tmp_path):
    rows = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    network = TwinNetwork({"name": "vectors", "width": 5}, distance="euclidean")
    np.testing.assert_array_equal(network.encode(rows), rows)
    np.testing.assert_array_equal(network.encode(rows[2]), rows[2])
    assert network.score(rows[0], rows[1]) == pytest.approx(-np.linalg.norm(rows[0] - rows[1]))
    again = TwinNetwork.load(network.save(tmp_path / "network"))
    np.testing.assert_array_equal(again.encode(list(rows)), rows)


@pytest.mark.parametrize(
    ("bad", "said"), [([1, 2], "width 3"), ([1, 2, np.inf], "not finite"), ("word", "no vector"), (None, "width 3")]
)
def test_what_is_no_vector_is_named(bad, said):
    network = TwinNetwork({"name": "vectors", "width": 3})
    with pytest.raises(TwinnetError, match=f"item 1: .*{said}"):
        network.encode([[1, 2, 3], bad])
