from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer.losses import ContrastiveLoss as TheirLoss
from sentence_transformers.sentence_transformer.losses import SiameseDistanceMetric

from twinnet.errors import TwinnetError
from twinnet.losses import ContrastiveLoss


@pytest.mark.parametrize("name", ["cosine", "euclidean", "manhattan", "sqeuclidean"])
def test_equals_the_loop(columns, loop, name):
    @settings(max_examples=15, deadline=None)
    @given(
        rows=st.integers(1, 8),
        dim=st.integers(1, 5),
        seed=st.integers(0, 999),
        margin=st.floats(0.1, 3),
        data=st.data(),
    )
    def check(rows, dim, seed, margin, data):
        a, b = columns(seed, 2, rows, dim)
        labels = data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
        total = 0.0
        for x, y, label in zip(a.tolist(), b.tolist(), labels, strict=True):
            apart = 1 - loop["cosine"](x, y) if name == "cosine" else -loop[name](x, y)
            total += 0.5 * apart**2 if label else 0.5 * max(0.0, margin - apart) ** 2
        loss = ContrastiveLoss(margin=margin, distance=name)([a, b], torch.tensor(labels))
        assert loss.item() == pytest.approx(total / rows, abs=1e-9)

    check()


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("cosine", SiameseDistanceMetric.COSINE_DISTANCE), ("euclidean", SiameseDistanceMetric.EUCLIDEAN)],
)
def test_equals_sentence_transformers(columns, name, theirs):
    a, b = (column.float() for column in columns(1, 2, 20, 6))
    labels = torch.arange(20) % 2
    wanted = TheirLoss(None, theirs, margin=0.8).compute_loss_from_embeddings([a, b], labels)
    torch.testing.assert_close(ContrastiveLoss(0.8, name)([a, b], labels), wanted, rtol=1e-4, atol=1e-5)


def test_a_similarity_without_a_largest_value_is_refused_at_once():
    with pytest.raises(TwinnetError, match="Dot has no largest value"):
        ContrastiveLoss(distance="dot")
