from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer
from sentence_transformers.sentence_transformer.losses import BatchSemiHardTripletLoss

from twinnet.errors import TwinnetError
from twinnet.losses import BatchTripletLoss


def triplets(mining, items, labels, score):
    """The (score of the positive, score of the negative) of each triplet, larger is closer."""
    for a, item in enumerate(items):
        positives = [score(item, items[i]) for i in range(len(items)) if i != a and labels[i] == labels[a]]
        negatives = [score(item, items[i]) for i in range(len(items)) if labels[i] != labels[a]]
        if not positives or not negatives:
            continue
        if mining == "batch-hard":
            yield min(positives), max(negatives)
            continue
        for positive in positives:
            if mining == "all":
                yield from ((positive, negative) for negative in negatives)
            else:
                farther = [negative for negative in negatives if negative < positive]
                yield positive, max(farther) if farther else min(negatives)


@pytest.mark.parametrize("mining", ["all", "batch-hard", "semi-hard"])
@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_equals_the_loop(columns, loop, name, mining):
    @settings(max_examples=25, deadline=None)
    @given(
        labels=st.lists(st.integers(0, 3), min_size=1, max_size=10),
        dim=st.integers(2, 4),
        seed=st.integers(0, 999),
        margin=st.floats(0, 2),
    )
    def check(labels, dim, seed, margin):
        (items,) = columns(seed, 1, len(labels), dim)
        found = list(triplets(mining, items.tolist(), labels, loop[name]))
        wanted = sum(max(n - p + margin, 0) for p, n in found) / len(found) if found else 0
        items.requires_grad_()
        loss = BatchTripletLoss(mining, margin, name)([items], torch.tensor(labels))
        assert loss.item() == pytest.approx(wanted, abs=1e-9)
        assert torch.isfinite(torch.autograd.grad(loss, items)[0]).all()

    check()


@pytest.mark.parametrize("mining", ["all", "batch-hard"])
def test_equals_pytorch_metric_learning(columns, mining):
    (items,) = columns(3, 1, 12, 4)
    labels = torch.arange(12) % 4
    distance = LpDistance(normalize_embeddings=False)
    mined = BatchHardMiner(distance=distance)(items, labels) if mining == "batch-hard" else None
    wanted = TripletMarginLoss(0.7, reducer=MeanReducer(), distance=distance)(items, labels, mined)
    torch.testing.assert_close(BatchTripletLoss(mining, 0.7)([items], labels), wanted)


def test_semi_hard_equals_sentence_transformers(columns):
    items = columns(4, 1, 12, 3)[0].float()
    labels = torch.arange(12) % 3
    wanted = BatchSemiHardTripletLoss(None, margin=0.5).compute_loss_from_embeddings([items], labels)
    torch.testing.assert_close(BatchTripletLoss("semi-hard", 0.5)([items], labels), wanted, rtol=1e-4, atol=1e-5)


def test_a_negative_as_far_as_the_positive_is_not_semi_hard():
    items = torch.tensor([[0.0], [2.0], [-2.0], [3.0]])  # anchor, positive, a negative as far, a negative farther
    loss = BatchTripletLoss("semi-hard", margin=1.5)([items], torch.tensor([0, 0, 1, 2]))
    from_the_first = max(2 - 3 + 1.5, 0)
    from_the_second = max(2 - 4 + 1.5, 0)
    assert loss.item() == pytest.approx((from_the_first + from_the_second) / 2)


def test_unknown_mining_is_refused_with_near_names():
    with pytest.raises(TwinnetError, match="unknown mining 'semihard': did you mean 'semi-hard'"):
        BatchTripletLoss("semihard")
