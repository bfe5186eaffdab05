from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.errors import TwinnetError
from twinnet.losses import CosineRegressionLoss


def test_equals_the_loop(columns, loop):
    @settings(max_examples=20, deadline=None)
    @given(dim=st.integers(1, 5), seed=st.integers(0, 999), scores=st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def check(dim, seed, scores):
        a, b = columns(seed, 2, len(scores), dim)
        errors = [
            (loop["cosine"](x, y) - score) ** 2 for x, y, score in zip(a.tolist(), b.tolist(), scores, strict=True)
        ]
        loss = CosineRegressionLoss()([a, b], torch.tensor(scores, dtype=torch.float64))
        assert loss.item() == pytest.approx(sum(errors) / len(errors), abs=1e-9)

    check()


def test_the_target_is_needed_one_for_each_row(columns):
    made = columns(0, 2, 3, 2)
    with pytest.raises(TwinnetError, match="needs a label or score"):
        CosineRegressionLoss()(made, None)
    with pytest.raises(TwinnetError, match="3 rows, but labels or scores of shape"):
        CosineRegressionLoss()(made, torch.zeros(3, 1))
