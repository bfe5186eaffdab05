from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from twinnet import TwinnetError
from twinnet.files import manifest_checksum
from twinnet.heads import Dense
from twinnet.index import BucketIndex, ExactIndex, HammingIndex, HashedIndex, load_index

INDEXES = {
    "exact": lambda: ExactIndex("l2"),
    "hamming": HammingIndex,
    "buckets": lambda: BucketIndex(probes=2, buckets=5),
    "hashed": lambda: HashedIndex(rows="int8", codes={"name": "hamming-buckets", "probes": 1}, candidates=2),
    "hashed by planes": lambda: HashedIndex("ip", {"name": "hyperplanes", "bits": 10}, rows="float32"),
    "hashed by a trained layer": lambda: HashedIndex(projection=Dense(6, 20)),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_saved_and_damaged(tmp_path, kind):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(50, 6)), rng.normal(size=(3, 6))
    index = INDEXES[kind]()
    index.add(rows[:30], ids=range(100, 130))
    index.add(rows[30:], ids=range(50, 70))
    index.search(queries, 1)
    index.remove([100, 69])
    folder = index.save(tmp_path / "index")
    again = load_index(folder)
    assert type(again) is type(index)
    assert len(again) == 48
    for ours, theirs in zip(index.search(queries, 5), again.search(queries, 5), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again.save(folder)
    load_index(folder).add(rows[:1])
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        path.write_bytes(whole[:-3])
        with pytest.raises(TwinnetError, match=path.name):
            load_index(folder)
        path.unlink()
        with pytest.raises(TwinnetError, match=path.name):
            load_index(folder)
        path.write_bytes(whole)


def test_an_index_of_another_kind_is_named(tmp_path):
    index = ExactIndex()
    index.add(np.eye(3))
    index.save(tmp_path / "index")
    for kind in (HammingIndex, HashedIndex, BucketIndex):
        with pytest.raises(TwinnetError, match="of the kind 'exact'"):
            kind.load(tmp_path / "index")


@pytest.mark.parametrize("make", [ExactIndex, HammingIndex])
def test_rows_and_ids_that_are_none(make):
    index = make()
    for ids in (["a", "b"], [0.5, 1.5], [[0], [1]]):
        with pytest.raises(TwinnetError, match="whole numbers"):
            index.add(np.eye(2), ids=ids)
    with pytest.raises(TwinnetError, match="not a table of numbers"):
        index.add([[1.0, 2.0], [3.0]])
    index.add(torch.eye(2, requires_grad=True))
    assert len(index) == 2


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(TwinnetError, match="other files"):
        ExactIndex().save(tmp_path)
    with pytest.raises(TwinnetError, match=r"index\.json: missing"):
        load_index(tmp_path)


@pytest.mark.parametrize("ids", [np.array([2**63 + 5, 1], dtype=np.uint64), [2**63 + 6, 2**63 + 7]])
@pytest.mark.parametrize("kind", INDEXES)
def test_an_id_of_more_than_64_bits_is_refused(kind, ids):
    index, rows = INDEXES[kind](), np.eye(6)
    with pytest.raises(TwinnetError, match="is larger than 9223372036854775807"):
        index.add(rows[:2], ids)
    index.add(rows[:2], [2**63 - 1, 4])
    with pytest.raises(TwinnetError, match="no number after the largest id"):
        index.add(rows[2:3])


@pytest.mark.parametrize("k", [0, -1, 2.0])
@pytest.mark.parametrize("kind", INDEXES)
def test_what_is_no_number_of_rows_is_refused(kind, k):
    index, rows = INDEXES[kind](), np.eye(6)
    index.add(rows)
    with pytest.raises(TwinnetError, match=rf"k is {k}: it must be a whole number"):
        index.search(rows[:1], k)


@pytest.mark.parametrize("kind", ["hashed", "hashed by planes"])
def test_an_emptied_hashed_index_keeps_its_width(kind):
    index = INDEXES[kind]()
    index.add(np.eye(6))
    index.remove(range(6))
    with pytest.raises(TwinnetError, match="width 4, expected 6"):
        index.add(np.eye(4))
    index.add(np.eye(6), range(6))
    assert index.search(np.eye(6)[2:3], 1)[1] == 2


def test_a_changed_manifest_is_refused(tmp_path):
    index = ExactIndex("cosine")
    index.add(np.eye(3, dtype=np.float32))
    index.save(tmp_path / "index")
    path = tmp_path / "index" / "index.json"
    manifest = json.loads(path.read_text())
    manifest["index"]["metric"] = "ip"
    path.write_text(json.dumps(manifest))
    with pytest.raises(TwinnetError, match="changed since the index was saved"):
        load_index(tmp_path / "index")
    manifest["index"]["speed"] = 3
    path.write_text(json.dumps(manifest | {"sha256": manifest_checksum(manifest)}))
    with pytest.raises(TwinnetError, match="another version"):
        load_index(tmp_path / "index")
