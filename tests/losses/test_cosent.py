from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer.losses import CoSENTLoss as TheirLoss

from twinnet.losses import CoSENTLoss


def test_equals_the_loop_also_with_ties(columns, loop):
    @settings(max_examples=25, deadline=None)
    @given(
        dim=st.integers(1, 5),
        seed=st.integers(0, 999),
        scale=st.floats(0.5, 30),
        scores=st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=1, max_size=8),
    )
    def check(dim, seed, scale, scores):
        a, b = columns(seed, 2, len(scores), dim)
        cosines = [loop["cosine"](x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        total = 1.0
        for i, higher in enumerate(scores):
            for j, lower in enumerate(scores):
                if higher > lower:
                    total += math.exp(scale * (cosines[j] - cosines[i]))
        loss = CoSENTLoss(scale)([a, b], torch.tensor(scores))
        assert loss.item() == pytest.approx(math.log(total), rel=1e-9, abs=1e-9)

    check()


@pytest.mark.parametrize("target", [torch.linspace(0, 1, 20), torch.arange(20) % 2, torch.ones(20)])
def test_equals_sentence_transformers(columns, target):
    a, b = (column.float() for column in columns(7, 2, 20, 6))
    wanted = TheirLoss(None).compute_loss_from_embeddings([a, b], target)
    torch.testing.assert_close(CoSENTLoss()([a, b], target), wanted)


def test_a_large_scale_does_not_overflow(columns):
    a, b = (column.float().requires_grad_() for column in columns(8, 2, 6, 4))
    loss = CoSENTLoss(scale=1e5)([a, b], torch.linspace(0, 1, 6))
    gradients = torch.autograd.grad(loss, [a, b])
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
