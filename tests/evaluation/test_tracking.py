from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinnet.errors import TwinnetError
from twinnet.evaluation.tracking import jittered, mean_figures, one_pass

SIDES = st.floats(1, 60)
RUNS = st.integers(2, 12).flatmap(
    lambda count: st.tuples(*[arrays(np.float64, (count, 4), elements=st.floats(1, 60))] * 2)
)


def by_hand(predicted, annotated):
    """Every figure by explicit loops."""
    overlaps, errors, shares = [1.0], [0.0], [0.0]
    for (x, y, w, h), (u, v, s, t) in zip(predicted[1:], annotated[1:], strict=True):
        across = max(0.0, min(x + w, u + s) - max(x, u))
        along = max(0.0, min(y + h, v + t) - max(y, v))
        shared = across * along
        overlaps.append(shared / (w * h + s * t - shared))
        dx, dy = x + w / 2 - u - s / 2, y + h / 2 - v - t / 2
        errors.append((dx**2 + dy**2) ** 0.5)
        shares.append(((dx / s) ** 2 + (dy / t) ** 2) ** 0.5)
    count = len(overlaps)
    success = [sum(o > k / 20 + 1e-12 for o in overlaps) / count for k in range(21)]
    return {
        "auc": sum(success) / 21,
        "precision": sum(e <= 20 for e in errors) / count,
        "normalised_precision": sum(sum(s <= k / 100 + 1e-9 for s in shares) for k in range(51)) / 51 / count,
        "ao": sum(overlaps[1:]) / (count - 1),
        "sr50": sum(o > 0.5 for o in overlaps[1:]) / (count - 1),
        "sr75": sum(o > 0.75 for o in overlaps[1:]) / (count - 1),
    }


@given(RUNS)
def test_figures_by_hand(boxes):
    assert one_pass(*boxes).figures() == pytest.approx(by_hand(*boxes), abs=1e-9)


def test_the_figures_of_the_got10k_toolkit():
    metrics = pytest.importorskip("got10k.utils.metrics")
    pytest.importorskip("six")
    otb, got = pytest.importorskip("got10k.experiments.otb"), pytest.importorskip("got10k.experiments.got10k")
    rng = np.random.default_rng(0)
    runs, curves, overlaps = [], [], []
    for _ in range(3):
        annotated = rng.uniform(5, 50, size=(40, 4))
        predicted = np.abs(annotated + rng.normal(0, 6, size=(40, 4))) + 1
        runs.append(one_pass(predicted, annotated))
        first = np.vstack([annotated[:1], predicted[1:]])
        own = object.__new__(otb.ExperimentOTB)
        own.nbins_iou, own.nbins_ce = 21, 51
        curves.append(own._calc_curves(metrics.rect_iou(first, annotated), metrics.center_error(first, annotated)))
        overlaps.append(metrics.rect_iou(predicted[1:], annotated[1:]))
        success, precision = curves[-1]
        assert runs[-1].success == pytest.approx(success)
        assert runs[-1].precision == pytest.approx(precision)
    figures = mean_figures(runs)
    assert figures["auc"] == pytest.approx(np.mean([success for success, _ in curves]))
    assert figures["precision"] == pytest.approx(np.mean([precision[20] for _, precision in curves]))
    everything = np.concatenate(overlaps)
    ao, sr, _, _ = got.ExperimentGOT10k._evaluate(None, everything, [])
    assert (figures["ao"], figures["sr50"]) == pytest.approx((ao, sr))


def test_a_perfect_run():
    boxes = np.random.default_rng(0).uniform(1, 50, size=(9, 4))
    figures = one_pass(boxes, boxes).figures()
    assert figures == pytest.approx(
        {"auc": 20 / 21, "precision": 1, "normalised_precision": 1, "ao": 1, "sr50": 1, "sr75": 1}
    )


def test_frames_without_a_target_do_not_count_and_missing_boxes_miss():
    annotated = np.array([[0, 0, 4, 4], [1, 1, 4, 4], [np.nan] * 4, [2, 2, 4, 4]], dtype=float)
    predicted = np.array([[0, 0, 4, 4], [1, 1, 4, 4], [9, 9, 4, 4], [np.nan] * 4], dtype=float)
    assert one_pass(predicted, annotated).overlaps == pytest.approx([1, 1, 0])


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (5, 3)])
def test_boxes_have_to_fit(shape):
    with pytest.raises(TwinnetError, match="annotation"):
        one_pass(np.ones(shape), np.ones((1, 4) if shape[0] == 1 else (5, 4)))


@given(st.tuples(SIDES, SIDES, SIDES, SIDES), st.integers(0, 5))
def test_jitter_stays_within_its_share(box, seed):
    moved = jittered(np.array(box), 0.05, np.random.default_rng(seed))
    assert (np.abs(moved - box) <= 0.05 * np.array([box[2], box[3], box[2], box[3]]) + 1e-9).all()
