from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.evaluation.identification import Searches


def drawn(seed, strangers):
    rng = np.random.default_rng(seed)
    gallery = rng.permutation(np.repeat(np.arange(6), 2))
    probes = np.concatenate([rng.integers(6, size=20), np.full(strangers, 99)])
    return rng.normal(size=(len(probes), 12)) + 1.5 * (probes[:, None] == gallery), probes, gallery


def best_by_person(row, gallery):
    return {person: max(s for s, owner in zip(row, gallery, strict=True) if owner == person) for person in set(gallery)}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0, 7]))
def test_cmc_by_loops(seed, strangers):
    scores, probes, gallery = drawn(seed, strangers)
    for entry in Searches(scores, probes, gallery).cmc(ranks=6):
        found = 0
        for row, probe in zip(scores[:20], probes[:20], strict=True):
            best = best_by_person(row, gallery.tolist())
            found += probe in sorted(best, key=lambda person: -best[person])[: entry["rank"]]
        assert (entry["rate"]["found"], entry["rate"]["probes"]) == (found, 20)
        assert entry["rate"]["low"] <= entry["rate"]["value"] == found / 20 <= entry["rate"]["high"]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_dir_at_fpir_by_loops(seed, fpir):
    scores, probes, gallery = drawn(seed, 15)
    searches = Searches(scores, probes, gallery)
    figures = searches.dir_at_fpir(fpir)
    alarms = sum(row.max() >= figures["threshold"] for row in scores[probes == 99])
    assert alarms / 15 <= fpir + 1e-9
    assert alarms == int(fpir * 15 + 1e-9) == figures["fpir"]["errors"]
    found = 0
    for row, probe in zip(scores[probes != 99], probes[probes != 99], strict=True):
        best = best_by_person(row, gallery.tolist())
        found += max(best, key=best.__getitem__) == probe and best[probe] >= figures["threshold"]
    assert figures["dir"]["found"] == found
    assert searches.at(figures["threshold"]) == figures


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([None, 0, 1]))
def test_the_curve_holds_every_point(seed, decimals):
    scores, probes, gallery = drawn(seed, 15)
    scores = scores if decimals is None else scores.round(decimals)
    searches = Searches(scores, probes, gallery)
    points = set(zip(*(column.tolist() for column in searches.curve()), strict=True))
    expected = [searches.at(threshold) for threshold in [*np.unique(scores), 1e9]]
    assert {(figures["fpir"]["value"], figures["dir"]["value"]) for figures in expected} == points


def test_probes_of_one_person_depend_on_each_other():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(12), 20)
    found = np.repeat(rng.random(12) < 0.7, 20)
    scores = np.eye(12)[people] * np.where(found, 1, -1)[:, None]
    rate = Searches(scores, people, np.arange(12)).cmc(1)[0]["rate"]
    assert rate["high"] - rate["low"] > 0.4


def test_equal_scores_do_not_count_as_found():
    assert Searches(np.zeros((1, 3)), ["a"], ["a", "b", "c"]).cmc()[0]["rate"]["value"] == 0


def test_bad_input():
    scores, probes, gallery = drawn(0, 3)
    with pytest.raises(TwinnetError, match="CMC needs probes of people in the gallery"):
        Searches(scores[20:], probes[20:], gallery).cmc()
    for rows in (slice(20), slice(20, None)):
        with pytest.raises(TwinnetError, match="strangers"):
            Searches(scores[rows], probes[rows], gallery).dir_at_fpir(0.1)
    with pytest.raises(TwinnetError, match="enrolled items"):
        Searches(scores[:20, :5], probes[:20], gallery)
    with pytest.raises(TwinnetError, match="one name for each"):
        Searches(scores, probes[:20], gallery)
    with pytest.raises(TwinnetError, match="nobody is enrolled"):
        Searches(scores[:, :0], probes, [])
    with pytest.raises(TwinnetError, match="probe 3 are not finite"):
        Searches(np.where(np.arange(len(scores))[:, None] == 3, np.nan, scores), probes, gallery)
    for fpir in (-0.1, np.nan, 1.5):
        with pytest.raises(TwinnetError, match="from 0 to 1"):
            Searches(scores, probes, gallery).dir_at_fpir(fpir)
