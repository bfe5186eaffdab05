"""What is joined computes what its parts compute one after the other."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import BatchNormAct2d
from torch import fx, nn

from twinnet.fusion import FusedConv, PointwiseConv, fused

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


def close(module, other, shape, seed=0):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    for form in (torch.contiguous_format, torch.channels_last):
        with torch.inference_mode():
            torch.testing.assert_close(
                other(x.contiguous(memory_format=form)),
                module(x.contiguous(memory_format=form)),
                atol=1e-4,
                rtol=1e-4,
            )


@settings(max_examples=30, deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2, 8]),
    bias=st.booleans(),
    behind=st.sampled_from(["", "norm", "relu", "norm relu", "relu6", "sigmoid"]),
    side=st.integers(9, 24),
)
def test_sequences(kernel, stride, dilation, groups, bias, behind, side):
    torch.manual_seed(side)
    convolution = nn.Conv2d(8, 16, kernel, stride, kernel // 2, dilation, groups, bias)
    layers = {"norm": nn.BatchNorm2d(16), "relu": nn.ReLU(), "relu6": nn.ReLU6(), "sigmoid": nn.Sigmoid()}
    layers["norm"].running_mean.uniform_(-1, 1)
    layers["norm"].running_var.uniform_(0.5, 2)
    module = nn.Sequential(convolution, *(layers[name] for name in behind.split())).eval()
    other = fused(module)
    assert isinstance(other[0], FusedConv | PointwiseConv)
    assert type(module[0]) is nn.Conv2d
    close(module, other, (2, 8, side, side + 3))
    close(module, other, (1, 8, side + 5, side), seed=1)


@pytest.mark.parametrize("side", [33, 40, 47])
def test_traced_graphs_with_the_padding_of_tensorflow(side):
    pytest.importorskip("timm")
    from twinnet.backbones.timm_pyramid import TimmPyramid

    torch.manual_seed(0)
    backbone = TimmPyramid("tf_efficientnet_lite0", ["blocks.1", "blocks.2"], width=8).eval()
    other = fused(backbone)
    assert sum(isinstance(module, FusedConv | PointwiseConv) for module in other.modules()) > 10
    x = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        one, two = (part({"pixels": x}).values for part in (backbone, other))
    torch.testing.assert_close(one, two, atol=1e-4 * float(one.abs().max()), rtol=1e-4)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 3, padding=1)
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.convolution(self.activation(self.convolution(x)))


class Added(nn.Sequential):
    def forward(self, x):
        x = self[0](x)
        return self[1](x) + x


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Conv2d(8, 8, 3), BatchNormAct2d(8)),
        lambda: nn.Sequential(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8, track_running_stats=False)),
        lambda: Added(nn.Conv2d(8, 8, 3), nn.ReLU()),
        lambda: fx.symbolic_trace(Twice()),
    ],
    ids=["normalisation with an activation", "no running statistics", "another forward", "called twice"],
)
def test_what_only_looks_like_a_chain(make):
    torch.manual_seed(0)
    module = make().eval()
    close(module, fused(module), (2, 8, 9, 9))


def test_what_cannot_be_joined_comes_back():
    module = nn.Sequential(nn.Conv2d(3, 4, 3)).double()
    assert fused(module) is module
    other = fused(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"))
    )
    assert not any(isinstance(part, FusedConv) for part in other.modules())
