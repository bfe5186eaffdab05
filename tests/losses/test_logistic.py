from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.distances import WeightedL1
from twinnet.errors import TwinnetError
from twinnet.losses import LogisticLoss


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_equals_the_loop(columns, loop, name):
    @settings(max_examples=15, deadline=None)
    @given(
        dim=st.integers(1, 4),
        seed=st.integers(0, 999),
        labels=st.lists(st.integers(0, 1), min_size=1, max_size=8),
        scale=st.floats(0.1, 5),
        bias=st.floats(-2, 2),
    )
    def check(dim, seed, labels, scale, bias):
        a, b = columns(seed, 2, len(labels), dim)
        total = 0.0
        for x, y, label in zip(a.tolist(), b.tolist(), labels, strict=True):
            logit = scale * loop[name](x, y) + bias
            total += math.log1p(math.exp(-logit if label else logit))
        loss = LogisticLoss(name, scale, bias).double()([a, b], torch.tensor(labels))
        assert loss.item() == pytest.approx(total / len(labels), rel=1e-5, abs=1e-6)

    check()


def test_learns_scale_bias_and_distance(columns):
    a, b = (column.float() for column in columns(11, 2, 80, 4))
    same = ((a - b)[:, 0].abs() < 0.8).long()  # only the first dimension tells
    loss = LogisticLoss(WeightedL1(dim=4))
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss([a, b], same).backward()
        optimizer.step()
    assert ((loss.logits([a, b]) > 0).long() == same).float().mean() > 0.95
    assert loss.distance.weight.argmax() == 0
    assert loss.log_scale.exp() > 0


def test_a_distance_is_needed_and_the_scale_is_positive():
    with pytest.raises(TwinnetError, match="needs a distance"):
        LogisticLoss()
    with pytest.raises(TwinnetError, match="must be positive, not -1"):
        LogisticLoss("cosine", scale=-1)
