from __future__ import annotations

import copy
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import twinnet
from twinnet import TwinnetError
from twinnet.acceleration import precision
from twinnet.tracking import passes
from twinnet.tracking.passes import Passes
from twinnet.tracking.preprocess import TrackingPreprocess
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
    sizes = rng.uniform(20, 90, (targets, 2))
    exemplars = tracker.passes.maps(cuts[:, :129, :129], "left").split(1)
    fast_one, slow_one = tracker.passes, plain(shipped, tracker.search_size, monkeypatch)
    assert fast_one._search is not None
    assert slow_one._search is None
    for found, expected in zip(
        fast_one.boxes(exemplars, cuts, sizes), slow_one.boxes(exemplars, cuts, sizes), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("targets", [1, 2, 3, 5])
def test_a_thread_for_each_target_finds_the_same_boxes(targets):
    pytest.importorskip("openvino")
    threads = torch.get_num_threads()
    network = twinnet.load("tracker")
    rng = np.random.default_rng(0)
    torch.set_num_threads(2)
    try:
        tracker = Tracker(network)
        cuts = rng.integers(0, 256, (targets, tracker.search_size, tracker.search_size, 3), dtype=np.uint8)
        exemplars = tracker.passes.maps(cuts[:, :129, :129], "left").split(1)
        sizes = rng.uniform(20, 90, (targets, 2))
        for _ in range(2):
            scores, edges = tracker.passes.boxes(exemplars, cuts, sizes)
            for i in range(targets):
                score, edge = tracker.passes.boxes(exemplars[i : i + 1], cuts[i : i + 1], sizes[i : i + 1])
                np.testing.assert_allclose(scores[i], score[0], rtol=1e-4, atol=1e-4)
                np.testing.assert_allclose(edges[i], edge[0], rtol=1e-4, atol=1e-3)
    finally:
        torch.set_num_threads(threads)


def test_bfloat16_is_near_and_may_be_asked_for(shipped, monkeypatch):
    pytest.importorskip("openvino")
    frames = np.random.default_rng(0).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8)
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)
    exact = twinnet.track(frames, (30, 20, 40, 30), model=shipped)
    near = twinnet.track(frames, (30, 20, 40, 30), precision="bfloat16")
    assert exact.tracker.passes._search._compiled.hint == "f32"
    assert near.tracker.passes._search._compiled.hint == "bf16"
    boxes = near.run()
    np.testing.assert_allclose(boxes.scores, exact.run().scores, atol=0.05)
    assert near.tracker.passes._search._compiled.trusted
    with pytest.raises(TwinnetError, match="precision 'half'"):
        twinnet.track(frames, (30, 20, 40, 30), precision="half")


@pytest.mark.parametrize("boxes", [True, False])
def test_towers_compute_in_bfloat16_where_nothing_is_compiled(shipped, monkeypatch, boxes):
    monkeypatch.setattr(passes, "can_compile", lambda: False)
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)
    torch.manual_seed(0)
    network = copy.deepcopy(shipped) if boxes else siamfc()
    exact = Tracker(network)
    network.precision = "bfloat16"
    near = Tracker(network)
    size = exact.search_size
    cuts = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    found = []
    for tracker in (exact, near):
        exemplars = tracker.passes.maps(cuts[:, :127, :127], "left")
        if boxes:
            found.append(tracker.passes.boxes(exemplars.split(1), cuts, np.full((2, 2), 50.0))[0])
        else:
            found.append(tracker.passes.scores(exemplars, cuts))
    assert found[1].dtype == np.float32
    assert (found[0] != found[1]).any()
    np.testing.assert_allclose(found[1], found[0], rtol=0.05, atol=0.03 * np.abs(found[0]).max())
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_threads_share_a_compiled_network(shipped):
    pytest.importorskip("openvino")
    tracker = Tracker(shipped)
    rng = np.random.default_rng(0)
    cuts = rng.integers(0, 256, (4, 1, tracker.search_size, tracker.search_size, 3), dtype=np.uint8)
    sizes = np.full((1, 2), 50.0)

    def boxes(cut):
        exemplars = tracker.passes.maps(cut[:, :129, :129], "left").split(1)
        return [tracker.passes.boxes(exemplars, cut, sizes)[0] for _ in range(8)]

    alone = list(map(boxes, cuts))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(boxes, cuts))
    np.testing.assert_array_equal(alone, together)


def test_maps_of_other_sizes_are_those_of_the_network(shipped):
    cuts = np.random.default_rng(0).integers(0, 256, (2, 97, 161, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = shipped(shipped.tower.preprocess.batch(cuts), "right")
    torch.testing.assert_close(Passes(shipped, 225).maps(cuts, "right"), expected, rtol=1e-4, atol=1e-3)


def test_networks_without_boxes_and_small_ones_are_not_worth_it(small_network):
    assert Passes(siamfc(), 255)._search is None
    assert Passes(small_network, 127)._search is None


def test_the_network_stays_as_it_was(shipped):
    shipped.train()
    try:
        Passes(shipped, 193)
        assert shipped.training
    finally:
        shipped.eval()


class Fickle(nn.Module):
    """A head layer that does something else when it is traced."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.traceable = True

    def forward(self, features):
        found = self.layer(features)
        return replace(found, values=found.values * 0.5 + 1) if torch.jit.is_tracing() else found


class Untraceable(Fickle):
    def forward(self, features):
        if torch.jit.is_tracing():
            raise RuntimeError("not this one")
        return self.layer(features)


@pytest.mark.parametrize(("kind", "said"), [(Fickle, "something else"), (Untraceable, "cannot be compiled")])
def test_torch_computes_what_cannot_be_trusted(shipped, monkeypatch, caplog, kind, said):
    pytest.importorskip("openvino")
    network = copy.deepcopy(shipped)
    network.tower.head.layers[0] = kind(network.tower.head.layers[0])
    monkeypatch.setattr(passes, "_gains", lambda network: True)
    tracker = Tracker(network)
    cuts = np.random.default_rng(0).integers(0, 256, (2, 225, 225, 3), dtype=np.uint8)
    exemplars, sizes = tracker.passes.maps(cuts[:, :129, :129], "left").split(1), np.full((2, 2), 60.0)
    expected = plain(shipped, 225, monkeypatch).boxes(exemplars, cuts, sizes)
    for _ in range(2):
        for found, right in zip(tracker.passes.boxes(exemplars, cuts, sizes), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-3)
    assert said in caplog.text


class Asking(nn.Module):
    """A head layer that looks at a convolution of its own."""

    def __init__(self, layer, look):
        super().__init__()
        self.layer = layer
        self.look = look
        self.traceable = False
        self.convolution = nn.Conv2d(3, 2, 1)

    def forward(self, features):
        found = self.layer(features)
        return replace(found, values=found.values * self.look(self.convolution))


@pytest.mark.parametrize(
    ("look", "said"),
    [(lambda layer: layer.weight.shape[0], "computes something else"), (lambda layer: layer.out_channels, "Attribute")],
)
def test_layers_that_other_code_looks_at_stay_as_they_are(shipped, caplog, look, said):
    network = copy.deepcopy(shipped)
    network.tower.head.layers[0] = Asking(network.tower.head.layers[0], look)
    cuts = np.random.default_rng(0).integers(0, 256, (1, 129, 129, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = network(network.tower.preprocess.batch(cuts), "left")
    torch.testing.assert_close(Passes(network, 225).maps(cuts, "left"), expected, rtol=1e-4, atol=1e-4)
    assert said in caplog.text


def test_trackers_of_a_network_share_what_is_made_of_it_until_it_changes(shipped):
    network = copy.deepcopy(shipped)
    first, second = Passes(network, 225), Passes(network, 225)
    assert first.network is second.network
    assert first._search is second._search
    with torch.no_grad():
        network.distance.log_scale.add_(1)
    third = Passes(network, 225)
    assert third.network is not first.network
    assert third._search is None or third._search is not first._search
    assert third.network.distance.log_scale == network.distance.log_scale


def test_an_exemplar_is_embedded_alike_by_what_is_compiled(shipped, monkeypatch):
    pytest.importorskip("openvino")
    cuts = np.random.default_rng(0).integers(0, 256, (3, 129, 129, 3), dtype=np.uint8)
    quick, slow = Passes(shipped, 225), plain(shipped, 225, monkeypatch)
    assert quick._look is not None
    expected = slow.maps(cuts, "left")
    for maps in (quick.maps(cuts, "left"), torch.cat([quick.maps(cut[None], "left") for cut in cuts])):
        torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-3)


def test_another_normalisation_is_compiled_anew(shipped):
    pytest.importorskip("openvino")
    network = copy.deepcopy(shipped)
    cuts = np.random.default_rng(0).integers(0, 256, (1, 129, 129, 3), dtype=np.uint8)
    before = Passes(network, 225).maps(cuts, "left")
    network.tower.preprocess.mean = network.tower.preprocess.mean + 40
    with torch.inference_mode():
        expected = network(network.tower.preprocess.batch(cuts), "left")
    found = Passes(network, 225).maps(cuts, "left")
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    assert (found - before).abs().max() > 0.1


class Brighter(TrackingPreprocess):
    """Normalises in another way, but only what is not black."""

    def batch(self, crops):
        batch = super().batch(crops)
        return {"pixels": batch["pixels"] + 0.5} if crops.any() else batch


def test_a_preprocess_of_another_kind_is_asked(shipped):
    network = copy.deepcopy(shipped)
    own = network.tower.preprocess
    network.tower.preprocess = Brighter(own.exemplar_size, own.search_size, mean=own.mean, std=own.std)
    passes_ = Passes(network, 225)
    for level in (0, 100):
        cuts = np.full((1, 129, 129, 3), level, dtype=np.uint8)
        with torch.inference_mode():
            expected = network(network.tower.preprocess.batch(cuts), "left")
        torch.testing.assert_close(passes_.maps(cuts, "left"), expected, rtol=1e-3, atol=1e-3)


def test_hooks_of_the_distance_are_called(shipped):
    network = copy.deepcopy(shipped)
    called = []
    network.distance.box_head.register_forward_hook(lambda *given: called.append(1))
    frames = np.random.default_rng(0).integers(0, 256, (5, 90, 120, 3), dtype=np.uint8)
    twinnet.track(frames, (30, 20, 40, 30), model=network).run()
    assert len(called) >= 4


def test_trackers_made_at_the_same_time_share_what_is_compiled(shipped):
    pytest.importorskip("openvino")
    network = copy.deepcopy(shipped)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: Passes(network, 225), range(4)))
    assert len({id(each._search) for each in made}) == len({id(each._look) for each in made}) == 1
    assert warnings.filters[0][:3] != ("ignore", None, Warning)
