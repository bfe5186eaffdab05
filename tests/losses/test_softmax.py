from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer.losses import SoftmaxLoss as TheirLoss

from twinnet.losses import SoftmaxLoss


def test_equals_the_loop(columns):
    @settings(max_examples=15, deadline=None)
    @given(dim=st.integers(1, 4), classes=st.integers(2, 4), rows=st.integers(1, 5), seed=st.integers(0, 999))
    def check(dim, classes, rows, seed):
        a, b = columns(seed, 2, rows, dim)
        target = torch.arange(rows) % classes
        loss = SoftmaxLoss(dim, classes).double()
        total = 0.0
        for u, v, label in zip(a.tolist(), b.tolist(), target.tolist(), strict=True):
            features = [*u, *v, *(abs(x - y) for x, y in zip(u, v, strict=True))]
            logits = [
                sum(w * x for w, x in zip(row, features, strict=True)) + bias
                for row, bias in zip(loss.classifier.weight.tolist(), loss.classifier.bias.tolist(), strict=True)
            ]
            total += math.log(sum(map(math.exp, logits))) - logits[label]
        assert loss([a, b], target).item() == pytest.approx(total / rows, abs=1e-9)

    check()


def test_equals_sentence_transformers(columns):
    a, b = (column.float() for column in columns(9, 2, 10, 6))
    target = torch.arange(10) % 3
    loss = SoftmaxLoss(6, 3)

    class Encoder(torch.nn.Module):
        device = "cpu"
        columns = iter([a, b])

        def forward(self, features):
            return {"sentence_embedding": next(self.columns)}

    theirs = TheirLoss(Encoder(), sentence_embedding_dimension=6, num_labels=3)
    theirs.classifier.load_state_dict(loss.classifier.state_dict())
    torch.testing.assert_close(loss([a, b], target), theirs([{}, {}], target))


def test_learns_what_its_logits_then_tell(columns):
    a, b = (column.float() for column in columns(10, 2, 60, 4))
    target = ((a - b).abs().sum(1) > 4).long()
    loss = SoftmaxLoss(dim=4, classes=2)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss([a, b], target).backward()
        optimizer.step()
    assert (loss.logits([a, b]).argmax(1) == target).float().mean() > 0.95
