from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer

from twinnet.errors import TwinnetError
from twinnet.losses import TripletLoss


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_equals_the_loop(columns, loop, name):
    score = loop[name]

    @settings(max_examples=15, deadline=None)
    @given(
        rows=st.integers(1, 6),
        dim=st.integers(1, 5),
        negatives=st.integers(1, 3),
        seed=st.integers(0, 999),
        margin=st.floats(0, 2),
    )
    def check(rows, dim, negatives, seed, margin):
        anchor, positive, *others = columns(seed, 2 + negatives, rows, dim)
        losses = [
            max(score(a, n) - score(a, p) + margin, 0)
            for other in others
            for a, p, n in zip(anchor.tolist(), positive.tolist(), other.tolist(), strict=True)
        ]
        loss = TripletLoss(margin, name)([anchor, positive, *others], None)
        assert loss.item() == pytest.approx(sum(losses) / len(losses), abs=1e-9)

    check()


def test_equals_torch_and_pytorch_metric_learning(columns):
    a, p, n = columns(2, 3, 7, 4)
    loss = TripletLoss()([a, p, n], None)
    wanted = torch.nn.TripletMarginWithDistanceLoss(distance_function=torch.nn.PairwiseDistance(eps=0))(a, p, n)
    torch.testing.assert_close(loss, wanted)
    theirs = TripletMarginLoss(1.0, reducer=MeanReducer(), distance=LpDistance(normalize_embeddings=False))
    rows = torch.arange(7)
    torch.testing.assert_close(loss, theirs(torch.cat([a, p, n]), indices_tuple=(rows, rows + 7, rows + 14)))


def test_two_columns_are_no_triplets(columns):
    with pytest.raises(TwinnetError, match="3 or more columns of items, the batch has 2"):
        TripletLoss()(columns(0, 2, 3, 2), None)
