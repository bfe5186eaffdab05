from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from twinnet import TwinnetError
from twinnet.evaluation.curves import d_prime, error_curve
from twinnet.evaluation.folds import fold_accuracy
from twinnet.evaluation.pairs import binary_pairs
from twinnet.evaluation.verification import verification_report
from twinnet.verification.calibration import choose_operating_point

pairs = st.tuples(st.integers(0, 2**31), st.integers(4, 200), st.sampled_from([1, 2, 10, None]))


def drawn(seed, count, decimals, gap=1.0):
    """Scores of both kinds; few decimals make ties."""
    rng = np.random.default_rng(seed)
    same = rng.random(count) < 0.4
    same[:2] = [True, False]
    scores = rng.normal(size=count) + gap * same
    return (scores if decimals is None else scores.round(decimals)), same


@settings(deadline=None, max_examples=30)
@given(pairs)
def test_curves_agree_with_scikit_learn(case):
    scores, same = drawn(*case)
    curve = error_curve(scores, same)
    false_positive, true_positive, thresholds = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.fmr, false_positive, atol=1e-12)
    np.testing.assert_allclose(curve.fnmr, 1 - true_positive, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert curve.auc == pytest.approx(roc_auc_score(same, scores))
    crossing = brentq(lambda x: 1 - x - interp1d(false_positive, true_positive)(x), 0, 1)
    at = curve.eer
    assert at == pytest.approx(crossing, abs=1e-6) or 1 - at == pytest.approx(
        float(interp1d(false_positive, true_positive)(at)), abs=1e-6
    )


@settings(deadline=None, max_examples=30)
@given(pairs, st.floats(0, 1))
def test_fnmr_at_fmr_is_the_best_of_all_thresholds(case, fmr):
    scores, same = drawn(*case)
    best = 1.0
    for threshold in scores:
        if (scores[~same] >= threshold).mean() <= fmr:
            best = min(best, (scores[same] < threshold).mean())
    assert error_curve(scores, same).fnmr_at(fmr) == pytest.approx(best)


@settings(deadline=None, max_examples=30)
@given(pairs)
def test_weights_are_repetitions(case):
    scores, same = drawn(*case)
    weights = np.random.default_rng(case[0]).integers(1, 4, size=len(scores))
    repeated = np.repeat(scores, weights), np.repeat(same, weights)
    weighted, plain = error_curve(scores, same, weights), error_curve(*repeated)
    np.testing.assert_allclose(weighted.fnmr, plain.fnmr, atol=1e-12)
    assert weighted.eer == pytest.approx(plain.eer)
    assert d_prime(scores, same, weights) == pytest.approx(d_prime(*repeated))


def test_d_prime_of_known_normal_distributions():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(3, 1, 200_000), rng.normal(0, 2, 200_000)])
    assert d_prime(scores, np.arange(400_000) < 200_000) == pytest.approx(3 / np.sqrt(2.5), rel=0.01)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1, None]))
def test_accuracy_takes_the_threshold_from_nine_folds(seed, decimals):
    scores, same = drawn(seed, 400, decimals)
    folds = np.arange(400) % 10
    accuracies = []
    for fold in range(10):
        rest, test = folds != fold, folds == fold
        ranked = sorted(set(scores[rest]), reverse=True)
        genuine, impostor = rest & same, rest & ~same
        gains = [(scores[genuine] >= t).mean() - (scores[impostor] >= t).mean() for t in ranked]
        place = int(np.argmax(np.round(gains, 12)))
        threshold = (ranked[place] + ranked[min(place + 1, len(ranked) - 1)]) / 2
        hit = scores[test] >= threshold
        accuracies.append((hit[same[test]].mean() + (~hit)[~same[test]].mean()) / 2)
    assert fold_accuracy(scores, same, folds)["value"] == pytest.approx(np.mean(accuracies))


def test_a_threshold_that_accepts_nothing_stays_that():
    # In the other fold every impostor scores more than every genuine pair: it is best to accept nothing.
    scores = np.array([1.0, 2.0, 3.0, 4.0, 9.0, 8.0, 7.0, 6.0])
    same = np.array([True, True, False, False, True, True, False, False])
    folds = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    # Fold 1 by "nothing": half right. Fold 0 by 7.5, as fold 1 wants it: half right.
    assert fold_accuracy(scores, same, folds)["value"] == pytest.approx(0.5)


def test_accuracy_of_useless_scores_is_that_of_guessing():
    rng = np.random.default_rng(0)
    figure = fold_accuracy(rng.random(6_000), rng.random(6_000) < 0.1)
    assert figure["low"] < 0.5 < figure["high"]


def report_figures(seed, count=2000, gap=2.0, **options):
    scores, same = drawn(seed, count, None, gap)
    return verification_report(scores, same, **options)


def test_intervals_hold_the_value_and_shrink_with_the_data():
    small, large = report_figures(0, 300), report_figures(0, 5000)
    for name in ("roc_auc", "eer", "d_prime", "accuracy_10_fold"):
        for report in (small, large):
            assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]
        assert large[name]["high"] - large[name]["low"] < small[name]["high"] - small[name]["low"]


def test_the_bootstrap_interval_of_the_auc_is_that_of_hanley_and_mcneil():
    scores, same = drawn(3, 4000, None, 1.0)
    report = verification_report(scores, same)
    auc, m, n = report["roc_auc"]["value"], report["genuine"], report["impostor"]
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = np.sqrt((auc * (1 - auc) + (m - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)) / (m * n))
    assert report["roc_auc"]["high"] - report["roc_auc"]["low"] == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_pairs_of_few_people_have_wider_intervals():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(12), 5)
    quirk = rng.normal(size=12) * 1.5
    first, second = np.triu_indices(60, 1)
    identities = np.stack([people[first], people[second]], axis=1)
    same = identities[:, 0] == identities[:, 1]
    scores = 2 * same + quirk[identities].sum(axis=1) + rng.normal(size=len(same))
    known, unknown = verification_report(scores, same, identities=identities), verification_report(scores, same)
    for name in ("roc_auc", "eer"):
        assert known[name]["value"] == unknown[name]["value"]
        width, plain = (report[name]["high"] - report[name]["low"] for report in (known, unknown))
        assert width > 1.25 * plain


def test_rates_that_the_pairs_cannot_show_are_missing():
    report = report_figures(0, 2000)
    rows = {row["fmr"]: row for row in report["fnmr_at_fmr"]}
    assert rows[0.0001]["value"] is rows[0.001]["tar"] is None
    assert rows[0.1]["value"] < rows[0.1]["high"] < 1
    assert rows[0.1]["tar"] == pytest.approx(1 - rows[0.1]["value"])


@pytest.fixture
def chosen():
    scores, same = drawn(1, 6_000, None, 2.0)
    keys = [f"{i:016x}" for i in range(6_000)]
    return choose_operating_point(scores, same, 0.01, system={}, source="dev.tsv", keys=keys)


def test_an_operating_point_keeps_its_promise_on_other_data(chosen):
    judged = report_figures(2, 6_000, operating_point=chosen)["operating_point"]
    assert judged["fmr"]["low"] < 0.01 < judged["fmr"]["high"]
    assert judged["fmr"]["trials"] + judged["fnmr"]["trials"] == 6_000


def test_no_report_on_development_data(chosen):
    scores, same = drawn(1, 6_000, None, 2.0)
    shuffled = np.random.default_rng(0).permutation(len(scores))
    for order in (slice(None), shuffled):
        with pytest.raises(TwinnetError, match=r"other data than dev\.tsv"):
            verification_report(scores[order], same[order], operating_point=chosen)
    others = drawn(2, 6_000, None, 2.0)
    some_known = [f"{i:016x}" for i in range(100, 6_100)]
    with pytest.raises(TwinnetError, match="of a sample of 256 pairs are in both"):
        verification_report(*others, operating_point=chosen, keys=some_known)
    verification_report(*others, operating_point=chosen, keys=[f"x{i}" for i in range(9)])


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1, 2], [1], "one length"),
        ([1, 2], [1, 1], "both must occur"),
        ([1, 2], [1, 2], "0 .different. and 1"),
        ([1, float("nan")], [0, 1], "score 1 is not finite"),
        ([], [], "both must occur"),
    ],
)
def test_bad_input(scores, labels, message):
    with pytest.raises(TwinnetError, match=message):
        verification_report(scores, labels)
    with pytest.raises(TwinnetError, match=message):
        binary_pairs(scores, labels)


def test_people_have_names_or_numbers():
    scores, same = drawn(1, 400, None)
    numbers = np.random.default_rng(0).integers(0, 9, (400, 2))
    names = np.array([f"person {number}" for number in range(9)])[numbers]
    reports = [verification_report(scores, same, identities=people) for people in (numbers, numbers * 1000, names)]
    assert reports[0] == reports[1] == reports[2]
    with pytest.raises(TwinnetError, match="two for each of the 400 pairs"):
        verification_report(scores, same, identities=numbers[:-1])


@pytest.mark.parametrize("arguments", [([1, 2], [0, 1], [0]), ([1, np.nan], [0, 1], [0, 1]), ([1, 2], [0], None)])
def test_folds_take_one_finite_score_for_each_pair(arguments):
    with pytest.raises(TwinnetError, match="one finite score, kind and fold for each pair"):
        fold_accuracy(*arguments)
