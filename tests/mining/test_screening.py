from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.mining import most_similar_pairs, screening
from twinnet.mining import pairs as module
from twinnet.mining.screening import LeadingScreen, RoundedScreen, screen_for


def spread(seed, n, d, decay):
    """Rows whose later coordinates are shorter, turned at random; some are copies, or nearly."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d)) * decay ** np.arange(d)
    copies = rng.integers(n, size=(2, n // 10))
    rows[copies[0]] = rows[copies[1]] + rng.choice([0.0, 1e-3], (n // 10, 1)) * rng.standard_normal((n // 10, d))
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    return (rows @ turn).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(2, 24), st.sampled_from([0.5, 0.9, 1.0]), st.sampled_from(["cosine", "ip"]))
def test_bounds_are_never_below_the_scores(seed, d, decay, metric):
    rows = torch.from_numpy(spread(seed, 40, d, decay))
    rows = F.normalize(rows) if metric == "cosine" else rows
    axes = torch.linalg.eigh(rows.T @ rows).eigenvectors.flip(1)
    scores = rows.double() @ rows.double().T
    for screen in (RoundedScreen(rows), *(LeadingScreen(rows, axes[:, :count]) for count in {1, d // 2, d})):
        for least in (float(scores.max()), 0.5, float(scores.median())):
            found = set(screen.suspects(slice(0, 40), slice(10, 30), least, torch.empty(800)).tolist())
            assert set(torch.nonzero(scores[:, 10:30].amax(1) >= least)[:, 0].tolist()) <= found


@pytest.mark.parametrize("metric", ["cosine", "ip"])
@pytest.mark.parametrize("decay", [0.7, 0.95, 1.0])
@pytest.mark.parametrize("top_k", [1, 50, 3000])
@pytest.mark.parametrize("rounds", [True, False])
def test_the_same_pairs_with_and_without_a_screen(monkeypatch, metric, decay, top_k, rounds):
    monkeypatch.setattr(screening, "has_instructions", lambda names: rounds)
    rows = spread(top_k, 3000, 32, decay)
    monkeypatch.setattr(module, "ROWS", 200)
    plain = most_similar_pairs(rows, top_k, metric=metric)
    monkeypatch.setattr(module, "LEAST", 0)
    screened = most_similar_pairs(rows, top_k, metric=metric)
    np.testing.assert_allclose([pair.score for pair in screened], [pair.score for pair in plain], rtol=1e-5)
    last = plain[-1].score + 1e-4 * abs(plain[-1].score)
    assert {pair[:2] for pair in plain if pair.score > last} <= {pair[:2] for pair in screened}


def test_a_screen_is_chosen_only_where_it_pays(monkeypatch):
    monkeypatch.setattr(screening, "has_instructions", lambda names: False)
    concentrated = F.normalize(torch.from_numpy(spread(0, 3000, 64, 0.8)))
    chosen = screen_for(concentrated, 0.99)
    assert chosen is not None
    assert chosen.leading.shape[1] < 64 / 2
    isotropic = F.normalize(torch.randn(3000, 64))
    assert screen_for(isotropic, 0.1) is None
    monkeypatch.setattr(screening, "has_instructions", lambda names: True)
    assert isinstance(screen_for(isotropic, 0.1), RoundedScreen)
    assert isinstance(screen_for(concentrated, 0.99), LeadingScreen)
