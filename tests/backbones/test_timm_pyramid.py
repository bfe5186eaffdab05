"""The pyramid backbone against the timm model it is cut from."""

import pytest
import timm
import torch
import torch.nn.functional as F

from twinnet.backbones.timm_pyramid import TimmPyramid
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork

NODES = ["blocks.2", "blocks.3"]


@pytest.fixture
def model(monkeypatch):
    """A timm model whose batch normalisation does something."""
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0").eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: model if options["pretrained"] else create(name))
    return model


def test_maps_are_those_of_the_unfolded_model(model):
    pixels = torch.randn(2, 3, 129, 129)
    with torch.inference_mode():
        x = model.bn1(model.conv_stem(pixels))
        for stage in model.blocks[:3]:
            x = stage(x)
        expected = [x, model.blocks[3](x)]
        pyramid = TimmPyramid("tf_efficientnet_lite0", NODES, width=8, pretrained=True)
        found = pyramid.maps(pixels)
        joined = pyramid({"pixels": pixels}).values
        projected = [p(m) for p, m in zip(pyramid.projections, expected, strict=True)]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in pyramid.modules())
    # Cell i of the deep map lies on cell 2i of the shallow one, where nothing is interpolated.
    torch.testing.assert_close(
        joined[:, :, ::2, ::2], projected[0][:, :, ::2, ::2] + projected[1], rtol=1e-4, atol=1e-4
    )
    assert (pyramid.stride, pyramid.width) == (8, 8)


def test_a_shift_by_the_largest_stride_shifts_the_map():
    pyramid = TimmPyramid("tf_efficientnet_lite0", NODES, width=4).eval()
    wide = torch.randn(1, 3, 257, 289)
    with torch.inference_mode():
        left, right = (pyramid({"pixels": wide[..., o : o + 257]}).values for o in (0, 32))
    inner = slice(10, 23)  # cells that see no padding
    torch.testing.assert_close(left[:, :, inner, 14:23], right[:, :, inner, 10:19], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("frozen", "free"), [(0, {"model", "projections"}), (2, {"projections"})])
def test_frozen_nodes_have_no_gradients(frozen, free):
    pyramid = TimmPyramid("tf_efficientnet_lite0", NODES, width=4, frozen=frozen).train()
    pyramid({"pixels": torch.randn(1, 3, 65, 65)}).values.sum().backward()
    assert {name.split(".")[0] for name, p in pyramid.named_parameters() if p.grad is not None} == free


def test_one_frozen_node_leaves_the_next_one_free():
    pyramid = TimmPyramid("tf_efficientnet_lite0", NODES, width=4, frozen=1)
    frozen = {
        name.split(".")[2] for name, p in pyramid.named_parameters() if not p.requires_grad and ".blocks." in name
    }
    free = {name.split(".")[2] for name, p in pyramid.named_parameters() if p.requires_grad and ".blocks." in name}
    assert (frozen, free) == ({"0", "1", "2"}, {"3"})


def test_a_saved_network_has_the_same_maps(tmp_path):
    network = TwinNetwork(
        {"name": "timm-pyramid", "model": "resnet18", "nodes": ["layer2"], "width": 8},
        [{"name": "neck", "blocks": 1}],
        {"name": "exemplar-cosine", "channels": 8, "kernel": 3},
        "tracking",
    )
    network.save(tmp_path / "net")
    again = TwinNetwork.load(tmp_path / "net")
    pixels = {"pixels": torch.randn(1, 3, 129, 129)}
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), again(pixels))
    assert F.mse_loss(network.distance.raw_weight, again.distance.raw_weight) == 0


@pytest.mark.parametrize(("model", "node"), [("resnet1800", "layer2"), ("resnet18", "layer9"), ("resnet18", "fc")])
def test_unknown_models_and_nodes_are_refused(model, node):
    with pytest.raises(TwinnetError):
        TimmPyramid(model, [node])
