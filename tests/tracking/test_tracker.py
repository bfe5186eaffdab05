from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tracking.conftest import BOX
from twinnet.tracking.look import Look
from twinnet.tracking.tracker import EVERY, PACE, SURE, Tracker


def follow(network, frames, **constants):
    """A target after the last frame, and its tracker."""
    tracker = Tracker(network, **constants)
    (target,) = tracker.start(frames[0], [BOX])
    for frame in frames[1:]:
        tracker.follow(frame, [target])
    return tracker, target


def test_an_exemplar_keeps_up_with_its_target(clip, small_network):
    frames = clip[0][: EVERY + 1]
    assert len(frames) == EVERY + 1
    tracker, target = follow(small_network, frames, memory=0.4)
    assert target.score > SURE
    (now,) = tracker.looks(frames[-1], [target.whole])
    first = target.first.map.numpy()
    recent = first + PACE * (now.map.numpy() - first)
    assert target.recent.map.numpy() == pytest.approx(recent, abs=1e-5)
    assert target.exemplar.map.numpy() == pytest.approx(0.6 * first + 0.4 * recent, abs=1e-5)
    assert np.abs(target.exemplar.map.numpy() - first).max() > 1e-2


def test_it_takes_in_nothing_between_and_nothing_that_it_hardly_sees(clip, small_network):
    frames = clip[0][:EVERY]
    _, early = follow(small_network, frames, memory=0.4)
    assert early.exemplar is early.first
    blank = np.zeros_like(frames[0])
    _, unseen = follow(small_network, [frames[0], *[blank] * EVERY], memory=0.4)
    assert unseen.score < SURE
    assert unseen.exemplar is unseen.first


def test_without_memory_the_exemplar_stays(clip, small_network):
    _, target = follow(small_network, clip[0], memory=0.0)
    assert target.age > EVERY
    assert target.exemplar is target.first


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_mean_of_looks_is_one_of_maps_and_of_sizes(share):
    a = Look(torch.rand(1, 2, 3, 3), np.array([10.0, 40.0]))
    b = Look(torch.rand(1, 2, 3, 3), np.array([30.0, 20.0]))
    mean = a.towards(b, share)
    for c in range(2):
        for y, x in np.ndindex(3, 3):
            expected = (1 - share) * float(a.map[0, c, y, x]) + share * float(b.map[0, c, y, x])
            assert float(mean.map[0, c, y, x]) == pytest.approx(expected, abs=1e-6)
    assert mean.size.tolist() == pytest.approx([10 + 20 * share, 40 - 20 * share])
