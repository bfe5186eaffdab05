from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinnet import TwinnetError
from twinnet.quantization import Int8Ranges, pack_bits, quantize

FLOATS = arrays(np.float32, st.tuples(st.integers(2, 9), st.integers(1, 20)), elements=st.floats(-5, 5, width=32))


@given(FLOATS)
def test_int8_restores_within_half_a_step(embeddings):
    ranges = Int8Ranges.measure(embeddings)
    restored = ranges.restore(ranges.quantize(embeddings))
    assert (np.abs(restored - embeddings) <= ranges.step / 2 + 1e-5).all()


@given(FLOATS)
def test_values_outside_the_ranges_take_the_nearest_level(embeddings):
    ranges = Int8Ranges.measure(embeddings)
    assert (ranges.quantize(embeddings + 100) >= ranges.quantize(embeddings)).all()
    assert (ranges.quantize(ranges.high[None] + 100) == 127).all()
    assert (ranges.quantize(ranges.low[None] - 100) == -128).all()


@given(FLOATS)
def test_bits_are_the_signs(embeddings):
    width = embeddings.shape[1]
    assert (np.unpackbits(pack_bits(embeddings), axis=1)[:, :width] == (embeddings > 0)).all()


def test_errors_name_the_way_out():
    with pytest.raises(TwinnetError, match="'int4'.*'int8'"):
        quantize(np.zeros((1, 2), np.float32), "int4", None)
    with pytest.raises(TwinnetError, match="width 3.*width 2"):
        quantize(np.zeros((1, 2), np.float32), "int8", Int8Ranges.measure(np.eye(3, dtype=np.float32)))
    with pytest.raises(TwinnetError, match="sample"):
        Int8Ranges.measure(np.zeros((1, 3), np.float32))
