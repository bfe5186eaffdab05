from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.evaluation.identification import cmc, dir_at_fpir


def drawn(seed, strangers):
    rng = np.random.default_rng(seed)
    gallery = rng.permutation(np.repeat(np.arange(6), 2))
    probes = np.concatenate([rng.integers(6, size=20), np.full(strangers, 99)])
    return rng.normal(size=(len(probes), 12)) + 1.5 * (probes[:, None] == gallery), probes, gallery


def best_by_person(row, gallery):
    return {person: max(s for s, owner in zip(row, gallery, strict=True) if owner == person) for person in set(gallery)}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_cmc_by_loops(seed):
    scores, probes, gallery = drawn(seed, 0)
    for entry in cmc(scores, probes, gallery, ranks=6):
        found = 0
        for row, probe in zip(scores, probes, strict=True):
            best = best_by_person(row, gallery.tolist())
            found += probe in sorted(best, key=lambda person: -best[person])[: entry["rank"]]
        assert entry["rate"]["value"] == pytest.approx(found / len(probes))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_dir_at_fpir_by_loops(seed, fpir):
    scores, probes, gallery = drawn(seed, 15)
    figures = dir_at_fpir(scores, probes, gallery, fpir)
    alarms = sum(row.max() >= figures["threshold"] for row in scores[probes == 99])
    assert alarms / 15 <= fpir + 1e-9
    assert alarms == int(fpir * 15 + 1e-9)
    found = 0
    for row, probe in zip(scores[probes != 99], probes[probes != 99], strict=True):
        best = best_by_person(row, gallery.tolist())
        found += max(best, key=best.__getitem__) == probe and best[probe] >= figures["threshold"]
    assert figures["dir"]["value"] == pytest.approx(found / 20)


def test_equal_scores_do_not_count_as_found():
    assert cmc(np.zeros((1, 3)), ["a"], ["a", "b", "c"])[0]["rate"]["value"] == 0


def test_bad_input():
    scores, probes, gallery = drawn(0, 3)
    with pytest.raises(TwinnetError, match="probe 20 shows nobody"):
        cmc(scores, probes, gallery)
    with pytest.raises(TwinnetError, match="strangers"):
        dir_at_fpir(scores[:20], probes[:20], gallery, 0.1)
    with pytest.raises(TwinnetError, match="enrolled images"):
        cmc(scores[:20, :5], probes[:20], gallery)
