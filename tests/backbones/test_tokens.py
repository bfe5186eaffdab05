from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from twinnet.backbones.tokens import Tokens


@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 6), st.integers(1, 3))
def test_there_and_back_by_loops(seed, batch, length, width):
    generator = torch.Generator().manual_seed(seed)
    counted = torch.rand(batch, length, generator=generator) < 0.6
    padded = torch.randn(batch, length, width, generator=generator)
    tokens = Tokens(counted)
    rows = tokens.collect(padded)
    expected = [padded[b, t] for b in range(batch) for t in range(length) if counted[b, t]]
    assert torch.equal(rows, torch.stack(expected) if expected else torch.empty(0, width))
    assert torch.equal(tokens.spread(rows), padded * counted[:, :, None])


def test_gradients():
    tokens = Tokens(torch.tensor([[True, False, True], [False, False, True]]))
    padded = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(tokens.collect, padded)
    assert torch.autograd.gradcheck(tokens.spread, rows)


def test_nothing_to_spread():
    tokens = Tokens(torch.zeros(0, 4, dtype=torch.bool))
    assert tokens.spread(tokens.collect(torch.empty(0, 4, 3))).shape == (0, 4, 3)


def test_functional_transforms():
    tokens = Tokens(torch.tensor([[True, False, True], [False, False, True]]))
    gradient = torch.func.grad(lambda padded: tokens.spread(2 * tokens.collect(padded)).sum())(torch.ones(2, 3, 4))
    assert torch.equal(gradient, 2 * tokens.spread(torch.ones(3, 4)))
