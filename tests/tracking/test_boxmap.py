"""Which box is chosen among those of a box head, against explicit loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twinnet.tracking.boxmap import SHARPNESS, VOTERS, BoxMapReader
from twinnet.tracking.protocol import Inference

PLACES = np.arange(13) * 8.0 + 64.5
SIZE = np.array([40.0, 30.0])


def reader(**constants):
    return BoxMapReader(PLACES, 225, Inference(**constants))


def maps(seed):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.9, (13, 13)).astype(np.float32)
    edges = rng.uniform(5, 40, (4, 13, 13)).astype(np.float32)
    return scores, edges


@pytest.mark.parametrize("seed", range(5))
def test_the_box_is_the_weighted_mean_of_those_around_the_best(seed):
    scores, edges = maps(seed)
    row, column = [(0, 0), (12, 5), (6, 6), (1, 11), (4, 9)][seed]
    scores[row, column] = 1.0
    choice = reader(window_influence=0.0, size_penalty=0.0).choose(scores, edges, SIZE)
    total, box = 0.0, np.zeros(4)
    for i in range(max(0, row - VOTERS), min(13, row + VOTERS + 1)):
        for j in range(max(0, column - VOTERS), min(13, column + VOTERS + 1)):
            left, top, right, bottom = edges[:, i, j].tolist()
            weight = float(scores[i, j]) ** SHARPNESS
            total += weight
            box += weight * np.array([PLACES[j] - left, PLACES[i] - top, PLACES[j] + right, PLACES[i] + bottom])
    low, high = box[:2] / total, box[2:] / total
    np.testing.assert_allclose(choice.place, (low + high) / 2, rtol=1e-5)
    np.testing.assert_allclose(choice.size, high - low, rtol=1e-5)
    assert choice.score == 1.0


def test_a_change_of_size_or_shape_costs_score_and_trust():
    scores = np.full((13, 13), 0.1, np.float32)
    edges = np.stack([np.full((13, 13), half, np.float32) for half in (20, 15, 20, 15)])
    scores[3, 3] = scores[9, 9] = 0.8
    edges[:, 7:12, 7:12] *= 2
    penalised = reader(window_influence=0.0, size_penalty=0.3, scale_damping=0.5)
    choice = penalised.choose(scores, edges, SIZE)
    np.testing.assert_allclose(choice.place, [PLACES[3], PLACES[3]], atol=1e-4)
    assert choice.trust == pytest.approx(0.8 * 0.5)
    scores[3, 3] = 0.1
    choice = penalised.choose(scores, edges, SIZE)
    assert choice.trust == pytest.approx(0.8 * 0.5 * math.exp(-0.3), rel=1e-5)  # twice the size, the same shape


def test_the_window_prefers_what_is_near():
    scores, edges = np.full((13, 13), 0.1, np.float32), np.full((4, 13, 13), 20, np.float32)
    scores[6, 6], scores[0, 0] = 0.7, 0.75
    assert reader(window_influence=0.0).choose(scores, edges, SIZE).score == np.float32(0.75)
    assert reader(window_influence=0.3).choose(scores, edges, SIZE).score == np.float32(0.7)


def test_scores_of_almost_nothing_still_are_weights():
    scores, edges = maps(0)
    exact = reader(window_influence=0.0, size_penalty=0.0).choose(scores, edges, SIZE)
    tiny = reader(window_influence=0.0, size_penalty=0.0).choose(scores * np.float32(1e-12), edges, SIZE)
    np.testing.assert_allclose(tiny.place, exact.place, rtol=1e-5)
    none = reader(window_influence=0.0, size_penalty=0.0).choose(scores * 0, np.full_like(edges, 20), SIZE)
    np.testing.assert_allclose(none.size, [40, 40], atol=1e-4)
