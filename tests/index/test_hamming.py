from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.index import ExactIndex, HammingIndex, codes
from twinnet.quantization import pack_bits
from twinnet.registry import indexes


@settings(max_examples=60)
@given(st.integers(0, 999), st.integers(1, 60), st.integers(1, 70), st.integers(1, 150), st.sampled_from([5, 65536]))
def test_counted_bits_rank_as_unpacked_floats_do(seed, n, k, width, block):
    rng = np.random.default_rng(seed)
    rows, queries = rng.integers(-1, 2, (n, width)).astype(float), rng.integers(-1, 2, (3, width)).astype(float)
    oracle = ExactIndex("hamming")
    oracle.add(rows)
    saved, codes.BLOCK = codes.BLOCK, block
    try:
        index = indexes.create("hamming")
        index.add(rows[: n // 2])
        index.add(pack_bits(rows[n // 2 :]))
        found = index.search(queries, k)
        from_bits = index.search(pack_bits(queries), k)
    finally:
        codes.BLOCK = saved
    for ours, theirs, bits in zip(found, oracle.search(queries, k), from_bits, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(ours, bits)


def test_what_is_added_comes_back_and_takes_a_bit_for_each_dimension():
    packed = np.random.default_rng(0).integers(0, 256, (50, 11), dtype=np.uint8)
    index = HammingIndex()
    index.add(packed[:20])
    index.add(packed[20:], ids=range(100, 130))
    index.remove([3, 100])
    np.testing.assert_array_equal(index.codes, np.delete(packed, [3, 20], axis=0))
    assert index.search(packed[21:22], 1)[1].tolist() == [[101]]


def test_what_is_no_code_is_refused():
    index = HammingIndex()
    assert index.search(np.ones((2, 16)), 3)[1].shape == (2, 0)
    index.add(np.ones((4, 16)))
    with pytest.raises(TwinnetError, match="queries: codes of 3 bytes, expected 2"):
        index.search(np.ones((1, 24)), 1)
    with pytest.raises(TwinnetError, match="row 0 is not finite"):
        index.add([[np.nan] * 16])
    with pytest.raises(TwinnetError, match="id 3 is in the index already"):
        index.add(np.ones((1, 16)), ids=[3])
    with pytest.raises(TwinnetError, match="k is 0"):
        index.search(np.ones((1, 16)), 0)
    assert len(index) == 4
