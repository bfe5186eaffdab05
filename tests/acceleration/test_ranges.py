from __future__ import annotations

import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.acceleration import ActivationRanges


def test_ranges_are_those_of_the_sample_and_survive_saving(text_network, sentences, tmp_path):
    text_network.calibrate_activations(sentences, "some sentences")
    ranges = text_network.tower.activation_ranges
    dense = "backbone.encoder.layer.1.output.dense"
    seen = []
    hook = text_network.tower.get_submodule(dense).register_forward_pre_hook(
        lambda _, x: seen.append(x[0].flatten(0, 1))
    )
    text_network.encode(sentences)
    hook.remove()
    inputs = torch.cat(seen)
    torch.testing.assert_close(ranges.ranges[dense], torch.stack([inputs.amin(0), inputs.amax(0)]))
    again = TwinNetwork.load(text_network.save(tmp_path / "saved")).tower.activation_ranges
    assert again.data == "some sentences"
    assert again.ranges.keys() == ranges.ranges.keys()
    assert all(torch.equal(again.ranges[name], ends) for name, ends in ranges.ranges.items())


def test_ranges_that_are_none(text_network, tmp_path):
    with pytest.raises(TwinnetError, match="give some hundred items"):
        text_network.calibrate_activations([], "nothing")
    (tmp_path / "ranges").write_bytes(b"no")
    with pytest.raises(TwinnetError, match="ranges: no int8 ranges"):
        ActivationRanges.load(tmp_path / "ranges")
