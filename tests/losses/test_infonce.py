from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss
from sentence_transformers.sentence_transformer.losses import (
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)

from twinnet.errors import TwinnetError
from twinnet.losses import InfoNCELoss


def direction(queries, candidates, score, scale):
    total = 0.0
    for i, query in enumerate(queries):
        logits = [scale * score(query, candidate) for candidate in candidates]
        largest = max(logits)
        total += largest + math.log(sum(math.exp(logit - largest) for logit in logits)) - logits[i]
    return total / len(queries)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_equals_the_loop(columns, loop, name, symmetric):
    @settings(max_examples=15, deadline=None)
    @given(
        rows=st.integers(1, 6),
        dim=st.integers(1, 5),
        negatives=st.integers(0, 2),
        seed=st.integers(0, 999),
        scale=st.floats(0.5, 50),
    )
    def check(rows, dim, negatives, seed, scale):
        made = columns(seed, 2 + negatives, rows, dim)
        anchors, *candidates = (column.tolist() for column in made)
        wanted = direction(anchors, [row for column in candidates for row in column], loop[name], scale)
        if symmetric:
            wanted = (wanted + direction(candidates[0], anchors, loop[name], scale)) / 2
        loss = InfoNCELoss(scale, symmetric, name)(made, None)
        assert loss.item() == pytest.approx(wanted, rel=1e-9, abs=1e-9)

    check()


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("symmetric", [False, True])
def test_equals_sentence_transformers_also_with_duplicates(columns, count, symmetric):
    made = [column.float() for column in columns(5, count, 8, 6)]
    made[1][3] = made[1][2] = made[0][2]
    theirs = MultipleNegativesSymmetricRankingLoss if symmetric else MultipleNegativesRankingLoss
    wanted = theirs(None, scale=20.0).compute_loss_from_embeddings(made, None)
    torch.testing.assert_close(InfoNCELoss(symmetric=symmetric)(made, None), wanted)


def test_equals_ntxent_of_pytorch_metric_learning(columns):
    a, b = columns(6, 2, 9, 5)
    rows = torch.arange(9)
    wanted = NTXentLoss(temperature=0.1)(a, rows, ref_emb=b, ref_labels=rows.clone())
    torch.testing.assert_close(InfoNCELoss(scale=10)([a, b], None), wanted)


def test_memory_grows_with_the_square_of_the_batch():
    largest = 0
    rows = 256

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            nonlocal largest
            result = function(*arguments, **(keywords or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    made = [torch.randn(rows, 8, requires_grad=True) for _ in range(3)]
    with Watch():
        InfoNCELoss(symmetric=True)(made, None).backward()
    assert largest == 2 * rows**2


def test_one_column_is_refused(columns):
    with pytest.raises(TwinnetError, match="2 or more columns"):
        InfoNCELoss()(columns(0, 1, 3, 2), None)
