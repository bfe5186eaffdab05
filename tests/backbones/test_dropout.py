from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from twinnet.backbones.dropout import Dropout, kept


@given(st.lists(st.integers(0, 7), max_size=3), st.floats(0, 1), st.sampled_from([torch.float32, torch.bfloat16]))
def test_values_are_dropped_or_scaled(shape, share, kind):
    factors = kept(torch.ones(shape, dtype=kind), share)
    assert factors.shape == tuple(shape)
    assert factors.dtype == kind
    stays = 65536 - round(share * 65536)
    assert ((factors == 0) | (factors == torch.tensor(65536 / stays if stays else 0).to(kind))).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
def test_each_value_has_the_same_chance(share):
    torch.manual_seed(0)
    dropped = (kept(torch.ones(1000, 200), share) == 0).numpy()
    for place in range(4):  # of the four values that one draw decides for
        part = dropped.reshape(-1, 4)[:, place]
        assert binomtest(int(part.sum()), part.size, share).pvalue > 1e-4
    # Neighbours know nothing of one another.
    left, right = dropped.reshape(-1, 2).T
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.02


def test_extremes():
    values = torch.randn(50)
    assert (kept(values, 1.0) == 0).all()
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(Dropout(0.7).eval()(values), values)


def test_gradients_are_those_of_what_was_kept():
    torch.manual_seed(1)
    values = torch.randn(4, 9, requires_grad=True)
    out = Dropout(0.4)(values)
    out.sum().backward()
    torch.testing.assert_close(values.grad * values.detach(), out.detach())


def test_a_seed_decides():
    def draw():
        torch.manual_seed(7)
        return Dropout(0.3)(torch.ones(33))

    assert torch.equal(draw(), draw())


def test_the_default_device_is_not_asked():
    with torch.device("meta"):
        assert kept(torch.ones(5, device="cpu"), 0.5).device.type == "cpu"
