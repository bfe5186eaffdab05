from __future__ import annotations

import pytest
import timm
import torch
from safetensors.torch import save_file

from twinnet import TwinnetError, TwinNetwork
from twinnet.backbones.checkpoints import read_checkpoint
from twinnet.registry import backbones

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 16, 24, 32], "stem_width": 8}
PIXELS = {"pixels": torch.randn(2, 3, 64, 64)}


@pytest.fixture(scope="module")
def whole():
    return timm.create_model("resnet18", **SMALL).eval()


def make(**arguments):
    return backbones.create({"name": "timm", "model": "resnet18", **SMALL, **arguments}).eval()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_are_those_of_the_model(whole, tmp_path, suffix):
    path = str(tmp_path / f"weights{suffix}")
    save_file(whole.state_dict(), path) if suffix == ".safetensors" else torch.save(whole.state_dict(), path)
    with torch.no_grad():
        expected = whole.forward_features(PIXELS["pixels"])
        backbone = make(weights=path)
        torch.testing.assert_close(backbone(PIXELS).values, expected, atol=1e-5, rtol=1e-5)
        stage = make(weights=path, out_index=3)
        x = whole.layer2(whole.layer1(whole.maxpool(whole.act1(whole.bn1(whole.conv1(PIXELS["pixels"]))))))
        whole_map = whole.layer3(x)
    torch.testing.assert_close(stage(PIXELS).values, whole_map)
    assert (stage.width, stage.stride, stage.kind) == (24, 16, "map")
    assert backbone.config["weights"] is None


def test_weights_of_a_port_with_other_names_in_the_same_order(whole, tmp_path):
    ported = {
        f"_layer{i}.{name.rpartition('.')[2]}": tensor for i, (name, tensor) in enumerate(whole.state_dict().items())
    }
    torch.save({"state_dict": ported}, tmp_path / "port.pth")
    with torch.no_grad():
        found = make(weights=str(tmp_path / "port.pth"))(PIXELS).values
        torch.testing.assert_close(found, whole.forward_features(PIXELS["pixels"]), atol=1e-5, rtol=1e-5)


def test_a_stage_is_saved_and_found_again(tmp_path):
    network = TwinNetwork({"name": "timm", "model": "resnet18", **SMALL, "out_index": 2})
    again = TwinNetwork.load(network.save(tmp_path / "net"))
    with torch.no_grad():
        assert torch.equal(network(PIXELS), again(PIXELS))


class Harmless:
    def __reduce__(self):
        return print, ("unpickled",)


def test_nothing_but_tensors_is_unpickled(tmp_path, capsys):
    torch.save({"weight": Harmless()}, tmp_path / "code.pth")
    with pytest.raises(TwinnetError, match="code.pth"):
        read_checkpoint(tmp_path / "code.pth")
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("held", "message"), [({"a": torch.zeros(3)}, "another architecture"), ([1, 2], "named tensors"), (None, "holds")]
)
def test_other_weights_are_refused(tmp_path, held, message):
    torch.save(held, tmp_path / "other.pth")
    with pytest.raises(TwinnetError, match=message):
        make(weights=str(tmp_path / "other.pth"))


@pytest.mark.parametrize("arguments", [{"weights": "missing.pth"}, {"widths": 3}, {"out_index": 9}])
def test_bad_arguments_are_named(arguments):
    with pytest.raises(TwinnetError):
        make(**arguments)
