from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tracking.conftest import moving
from tests.tracking.plain_siamfc import PlainSiamFC
from twinnet import TwinNetwork
from twinnet.errors import TwinnetError
from twinnet.tracking.siamfc import siamfc
from twinnet.tracking.tracker import Tracker


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = siamfc()
    # Statistics that let random weights pass a signal as trained ones do.
    network.train()
    frames, _ = moving(2)
    crops = torch.from_numpy(np.tile(frames, (1, 2, 2, 1))[:, :200, :200]).permute(0, 3, 1, 2).float()
    for _ in range(20):
        with torch.no_grad():
            network({"pixels": crops})
    torch.nn.init.constant_(network.distance.bias, -0.5)
    return network.eval()


@pytest.mark.parametrize(("scales", "step", "damping"), [(3, 1.0375, 0.59), (5, 1.025, 0.35)])
def test_inference_is_that_of_the_plain_implementation(network, scales, step, damping):
    frames, boxes = moving(6, growth=1.02)
    state = {f"backbone.{name}": tensor for name, tensor in network.tower.backbone.state_dict().items()}
    ours = siamfc(state, scales=scales)
    ours.distance.load_state_dict(network.distance.state_dict())
    tracker = Tracker(ours)
    targets = tracker.start(frames[0], boxes[:1])
    with torch.inference_mode():
        plain = PlainSiamFC(network.tower.backbone.state_dict(), frames[0], boxes[0], scales, step, damping, -0.5)
        for frame in frames[1:]:
            tracker.follow(frame, targets)
            assert targets[0].whole == pytest.approx(plain.update(frame), abs=1e-4)
    assert not np.allclose(targets[0].whole, boxes[0], atol=0.5)


def test_the_maps_of_the_paper(network):
    with torch.inference_mode():
        exemplar = network({"pixels": torch.zeros(1, 3, 127, 127)})
        search = network({"pixels": torch.zeros(1, 3, 255, 255)})
        assert exemplar.shape == (1, 256, 6, 6)
        assert search.shape == (1, 256, 22, 22)
        assert network.score_map(exemplar, search).shape == (1, 17, 17)
    # Table 1 of the paper: no ReLU behind the last convolution.
    assert search.min() < 0


def test_state_dicts_of_siamfc_pytorch(network, tmp_path):
    state = {f"backbone.{name}": tensor for name, tensor in network.tower.backbone.state_dict().items()}
    torch.save(state, tmp_path / "siamfc_alexnet_e50.pth")
    loaded = siamfc(tmp_path / "siamfc_alexnet_e50.pth")
    pixels = {"pixels": torch.rand(1, 3, 127, 127) * 255}
    with torch.inference_mode():
        assert torch.equal(loaded(pixels), network(pixels))
    again = TwinNetwork.load(loaded.save(tmp_path / "saved"))
    assert Tracker(again).inference == Tracker(loaded).inference


def test_what_is_no_siamfc(tmp_path):
    with pytest.raises(TwinnetError, match="3 or 5"):
        siamfc(scales=4)
    with pytest.raises(TwinnetError, match="No such file"):
        siamfc(tmp_path / "no.pth")
    (tmp_path / "text.pth").write_text("text")
    with pytest.raises(TwinnetError, match=r"text\.pth"):
        siamfc(tmp_path / "text.pth")
    with pytest.raises(TwinnetError, match="AlexNetV1"):
        siamfc({"conv1.weight": torch.zeros(1)})
