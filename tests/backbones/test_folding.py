"""A folded graph computes what it did before."""

from __future__ import annotations

import pytest
import torch
from timm.layers import BatchNormAct2d, Conv2dSame, StdConv2d
from torch import fx, nn

from twinnet.backbones.folding import fold_batch_norm
from twinnet.fusion import fused


class Leaves(fx.Tracer):
    def is_leaf_module(self, module, name):
        return isinstance(module, nn.Conv2d | nn.BatchNorm2d)


class Network(nn.Module):
    def __init__(self, convolution, norm, *, twice=False):
        super().__init__()
        self.convolution = convolution
        self.norm = norm
        self.twice = twice

    def forward(self, x):
        x = self.norm(self.convolution(x))
        return self.convolution(x.relu()) if self.twice else x


def changed(norm):
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    return norm


@pytest.mark.parametrize(
    ("make", "folds"),
    [
        (lambda: Network(nn.Conv2d(4, 4, 3), changed(nn.BatchNorm2d(4))), True),
        (lambda: Network(Conv2dSame(4, 4, 3, stride=2), changed(BatchNormAct2d(4))), True),
        (lambda: Network(StdConv2d(4, 4, 3), changed(nn.BatchNorm2d(4))), False),
        (lambda: Network(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), False),
        (lambda: Network(nn.Conv2d(4, 4, 3), changed(nn.BatchNorm2d(4)), twice=True), False),
    ],
)
def test_what_is_folded_stays_the_same(make, folds):
    torch.manual_seed(0)
    network = make().eval()
    graph = fx.GraphModule(network, Leaves().trace(network))
    x = torch.randn(2, 4, 9, 9)
    with torch.no_grad():
        before = graph(x)
        folded = fold_batch_norm(graph)
        torch.testing.assert_close(folded(x), before, atol=1e-5, rtol=1e-5)
    assert isinstance(folded.norm, nn.BatchNorm2d) != folds


def test_an_activation_that_two_normalisations_share():
    torch.manual_seed(0)
    norms = [changed(BatchNormAct2d(4)) for _ in range(2)]
    norms[1].act = norms[0].act
    network = nn.Sequential(nn.Conv2d(4, 4, 3), norms[0], nn.Conv2d(4, 4, 3), norms[1]).eval()
    graph = fx.GraphModule(network, Leaves().trace(network))
    x = torch.randn(2, 4, 9, 9)
    with torch.no_grad():
        before = graph(x)
        torch.testing.assert_close(fused(fold_batch_norm(graph))(x), before, atol=1e-4, rtol=1e-4)
