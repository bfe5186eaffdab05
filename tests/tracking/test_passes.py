from __future__ import annotations

import numpy as np
import pytest
import torch

import twinnet
from twinnet.tracking import passes
from twinnet.tracking.passes import Passes
from twinnet.tracking.siamfc import siamfc
from twinnet.tracking.tracker import Tracker


@pytest.fixture(scope="module")
def shipped():
    return twinnet.load("tracker")


def plain(network, size, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(passes, "can_compile", lambda: False)
        return Passes(network, size)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("targets", [1, 3])
def test_what_is_compiled_finds_the_same_boxes(shipped, monkeypatch, fast, targets):
    pytest.importorskip("openvino")
    tracker = Tracker(shipped, fast=fast)
    rng = np.random.default_rng(0)
    cuts = rng.integers(0, 256, (targets, tracker.search_size, tracker.search_size, 3), dtype=np.uint8)
    pixels = shipped.tower.preprocess.batch(cuts)["pixels"]
    sizes = rng.uniform(20, 90, (targets, 2))
    exemplars = tracker.maps(cuts[:, :129, :129], "left").split(1)
    fast_one, slow_one = tracker.passes, plain(shipped, tracker.search_size, monkeypatch)
    assert fast_one._locate is not None
    assert slow_one._locate is None
    for found, expected in zip(
        fast_one.boxes(exemplars, pixels, sizes), slow_one.boxes(exemplars, pixels, sizes), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_maps_of_other_sizes_are_those_of_the_network(shipped):
    pixels = torch.randn(1, 3, 97, 161)
    with torch.inference_mode():
        expected = shipped({"pixels": pixels}, "right")
    torch.testing.assert_close(Passes(shipped, 225).maps(pixels, "right"), expected, rtol=1e-4, atol=1e-3)


def test_networks_without_boxes_and_small_ones_are_not_worth_it(small_network):
    assert Passes(siamfc(), 255)._locate is None
    assert Passes(small_network, 127)._locate is None


def test_the_network_stays_as_it_was(shipped):
    shipped.train()
    try:
        Passes(shipped, 193)
        assert shipped.training
    finally:
        shipped.eval()
