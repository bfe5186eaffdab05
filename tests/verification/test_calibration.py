from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression

from twinnet import TwinnetError
from twinnet.evaluation.probability import fit_probability
from twinnet.verification.calibration import choose_operating_point, smallest_rate


def drawn(seed, genuine=300, impostor=5000, decimals=None, gap=3.0):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(gap, 1, genuine), rng.normal(0, 1, impostor)])
    return (scores if decimals is None else scores.round(decimals)), np.arange(len(scores)) < genuine


def choose(scores, same, rate):
    return choose_operating_point(scores, same, rate, system={}, source="dev.tsv")


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.006, 0.5), st.sampled_from([1, 2, None]))
@example(0, 0.49999999999999994, None)
def test_the_threshold_is_the_lowest_that_keeps_the_rate(seed, rate, decimals):
    scores, same = drawn(seed, decimals=decimals)
    impostor = scores[~same]
    # A rate that falls short of a count of pairs by no more than rounding means that count.
    allowed = [t for t in np.unique(impostor) if (impostor >= t).mean() <= rate * (1 + 1e-12)]
    if (impostor >= min(allowed)).sum() < 30:
        with pytest.raises(TwinnetError, match="the same score"):
            choose(scores, same, rate)
        return
    point = choose(scores, same, rate)
    assert max(impostor[impostor < min(allowed)]) < point.threshold <= min(allowed)
    assert point.fmr.value == (impostor >= min(allowed)).mean()
    assert point.fnmr.value == (scores[same] < point.threshold).mean()


def test_the_interval_holds_the_true_rate():
    held = 0
    for seed in range(60):
        point = choose(*drawn(seed), 0.01)
        held += point.fmr.low <= stats.norm.sf(point.threshold) <= point.fmr.high
    assert held >= 52


@pytest.mark.parametrize("impostors", [29, 100, 2999])
def test_a_rate_that_cannot_be_shown_is_refused(impostors):
    scores, same = drawn(0, impostor=impostors)
    with pytest.raises(TwinnetError, match=f"{impostors:,} impostor pairs cannot show.*0.01.*3,000 pairs") as caught:
        choose(scores, same, 0.01)
    if impostors > 30:
        offered = float(str(caught.value).rsplit(" ", 1)[1])
        assert smallest_rate(impostors) <= offered <= smallest_rate(impostors) * 1.1
        assert choose(scores, same, offered).fmr.errors >= 30


def test_the_smallest_rate_is_shown():
    assert choose(*drawn(0, impostor=3000), 0.01).fmr.errors == 30


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2, float("nan")])
def test_no_rate(rate):
    with pytest.raises(TwinnetError, match="between 0 and 1"):
        choose(*drawn(0), rate)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.floats(0.5, 3), st.floats(0.01, 1000))
def test_the_probability_is_a_logistic_regression_for_even_odds(seed, gap, scale):
    scores, same = drawn(seed, 2000, 3000, gap=gap)
    slope, intercept = fit_probability(scores * scale, same)
    model = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8, max_iter=1000).fit(scores[:, None], same)
    assert slope * scale == pytest.approx(model.coef_[0, 0], rel=0.02)
    assert intercept == pytest.approx(model.intercept_[0], rel=0.02, abs=0.02)


def test_the_probability_is_calibrated():
    point = choose(*drawn(0, 20_000, 20_000, gap=1.5), 0.01)
    scores, same = drawn(1, 20_000, 20_000, gap=1.5)
    probabilities = np.array([point.probability(score) for score in scores])
    for low in np.arange(0, 1, 0.2):
        inside = (probabilities >= low) & (probabilities < low + 0.2)
        assert same[inside].mean() == pytest.approx(probabilities[inside].mean(), abs=0.03)


def test_separable_pairs_keep_a_finite_slope():
    scores = np.concatenate([np.ones(50), np.zeros(5000)]) + np.random.default_rng(0).normal(size=5050) * 1e-3
    slope, _ = fit_probability(scores, np.arange(5050) < 50)
    assert np.isfinite(slope)
    assert slope > 0


def test_labels_the_wrong_way_round_are_noticed():
    scores, same = drawn(0, 3000, 3000)
    with pytest.raises(TwinnetError, match="do not score more"):
        choose(scores, ~same, 0.05)
