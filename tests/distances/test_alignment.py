"""Maps compared cell by cell, against explicit loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.distances import CellAlignment
from twinnet.distances import alignment as module
from twinnet.errors import TwinnetError

SEEDS = st.integers(0, 2**31)


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(channels, cells, seed):
    distance = CellAlignment(channels, cells).double()
    with torch.no_grad():
        distance.log_sharpness.fill_(1 + seed % 3)
        distance.nearness.copy_(random(seed, *distance.nearness.shape))
    return distance


def loop_direction(distance, a, b):
    """How well each cell of a (C, n, n) finds its like in b."""
    n, sharpness = distance.cells, math.exp(distance.log_sharpness.item())
    places = [(y, x) for y in range(n) for x in range(n)]
    nearness = distance.nearness.view(2 * n - 1, 2 * n - 1)
    lengths = {place: math.hypot(*a[:, *place].tolist()) for place in places}
    found = 0.0
    for y, x in places:
        total = 0.0
        for v, u in places:
            norm = lengths[y, x] * math.hypot(*b[:, v, u].tolist())
            cosine = sum(p * q for p, q in zip(a[:, y, x].tolist(), b[:, v, u].tolist(), strict=True)) / norm
            down, across = y - v + n - 1, x - u + n - 1
            near = (nearness[down, across] + nearness[-1 - down, -1 - across]).item() / 2
            total += math.exp(sharpness * cosine + near)
        found += lengths[y, x] / sum(lengths.values()) * math.log(total) / sharpness
    return found


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 4), m=st.integers(1, 4), channels=st.integers(1, 4), cells=st.integers(1, 3), seed=SEEDS)
def test_matrix_and_pairwise_equal_loops(n, m, channels, cells, seed):
    distance = make(channels, cells, seed)
    a, b = random(seed, n, channels, cells, cells), random(seed + 1, m, channels, cells, cells)
    wanted = torch.tensor(
        [[(loop_direction(distance, x, y) + loop_direction(distance, y, x)) / 2 for y in b] for x in a]
    )
    found = distance.matrix(a.flatten(1), b.flatten(1))
    torch.testing.assert_close(found, wanted.double(), atol=1e-6, rtol=1e-6)
    rows = min(n, m)
    pairs = distance.pairwise(a[:rows].flatten(1), b[:rows].flatten(1))
    torch.testing.assert_close(pairs, wanted.double().diagonal(), atol=1e-6, rtol=1e-6)


def test_the_order_of_two_maps_does_not_matter():
    distance = make(3, 4, 1)
    a, b = random(1, 5, 48), random(2, 6, 48)
    torch.testing.assert_close(distance.matrix(a, b), distance.matrix(b, a).T)


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 3), m=st.integers(1, 3), channels=st.integers(1, 3), cells=st.integers(1, 3), seed=SEEDS)
def test_gradients_equal_finite_differences(n, m, channels, cells, seed):
    distance = make(channels, cells, seed)
    a, b = random(seed, n, channels * cells**2).requires_grad_(), random(seed + 1, m, channels * cells**2)
    inputs = (a, b.requires_grad_(), *distance.parameters())
    assert torch.autograd.gradcheck(lambda a, b, *parameters: distance.matrix(a, b), inputs)


@pytest.mark.parametrize("pairs", [1, 2, 10])
def test_blocks_do_not_change_values_or_gradients(monkeypatch, pairs):
    distance = make(3, 2, 5)
    a, b = random(1, 7, 12).requires_grad_(), random(2, 5, 12)
    whole = distance.matrix(a, b)
    (gradient,) = torch.autograd.grad(whole.square().sum(), a)
    monkeypatch.setattr(module, "AT_ONCE", pairs * 2**4)
    blocks = distance.matrix(a, b)
    torch.testing.assert_close(blocks, whole)
    torch.testing.assert_close(torch.autograd.grad(blocks.square().sum(), a)[0], gradient)


def test_a_shifted_map_is_closer_than_a_shuffled_one():
    distance = CellAlignment(8, 5)
    base = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    shuffled = base.flatten(2)[:, :, torch.randperm(25, generator=torch.Generator().manual_seed(1))]
    values = distance.matrix(base.flatten(1), torch.cat([base.roll(1, 3).flatten(1), shuffled.flatten(1)]))
    shifted, mixed = distance.to_score(values)[0].tolist()
    assert shifted > mixed


def test_empty_maps_and_cells_have_finite_values_and_gradients():
    distance = CellAlignment(2, 2)
    maps = torch.zeros(2, 8)
    maps[1, 0] = 1.0
    maps.requires_grad_()
    values = distance.matrix(maps, maps)
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(maps.grad).all()


def test_a_sharpness_that_grew_does_not_overflow():
    distance = CellAlignment(2, 3)
    with torch.no_grad():
        distance.log_sharpness.fill_(9.0)
    maps = torch.randn(3, 18)
    assert torch.isfinite(distance.matrix(maps, -maps)).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_left_for_single(dtype):
    distance = CellAlignment(8, 7)
    with torch.no_grad():
        distance.log_sharpness.fill_(2.6)
    a = torch.randn(4, 8 * 49, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype):
        torch.testing.assert_close(distance.matrix(a, a), distance.matrix(a.float(), a.float()))
        torch.testing.assert_close(distance.matrix(a, a).diagonal(), distance.pairwise(a, a), atol=0.01, rtol=0.01)
    halves = distance.matrix(a.to(dtype), a.to(dtype))
    torch.testing.assert_close(halves, distance.matrix(a.to(dtype).float(), a.to(dtype).float()))


def test_no_rows_have_no_values():
    distance = CellAlignment(2, 2)
    assert distance.matrix(torch.zeros(3, 8), torch.zeros(0, 8)).shape == (3, 0)
    assert distance.matrix(torch.zeros(0, 8), torch.zeros(3, 8)).shape == (0, 3)


def test_other_maps_are_refused():
    distance = CellAlignment(3, 2)
    with pytest.raises(TwinnetError, match="3 channels and 2 x 2 cells.*7 values"):
        distance.matrix(torch.zeros(2, 7), torch.zeros(2, 12))
    with pytest.raises(TwinnetError, match="pairwise or matrix"):
        distance.aligned(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2))
    with pytest.raises(TwinnetError, match="no dense form"):
        distance.dense(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2))
