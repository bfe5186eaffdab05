from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from twinnet.acceleration.int8 import SMOOTHING, rounded_layer


def rounded(value, scale, zero, low, high):
    return (min(high, max(low, round(float(value) / scale) + zero)) - zero) * scale


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 4), st.sampled_from([0.1, 3.0, 50.0]))
def test_a_linear_layer_by_loops(seed, inputs, outputs, outlier):
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(inputs, outputs)
    values = torch.randn(6, inputs, generator=generator)
    values[:, 0] *= outlier
    ends = torch.stack([values.amin(0), values.amax(0)])
    with torch.no_grad():
        result = rounded_layer(layer, ends)(values)

    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    largest = [max(abs(float(v)) for v in values[:, j]) for j in range(inputs)]
    factors = [largest[j] ** SMOOTHING / np.abs(weight[:, j]).max() ** (1 - SMOOTHING) for j in range(inputs)]
    low = min(0.0, *(float(values[:, j].min()) / factors[j] for j in range(inputs)))
    high = max(0.0, *(float(values[:, j].max()) / factors[j] for j in range(inputs)))
    scale = (high - low) / 255
    zero = round(-low / scale)
    for row in range(6):
        for k in range(outputs):
            step = max(abs(weight[k, j] * factors[j]) for j in range(inputs)) / 127
            total = float(bias[k])
            for j in range(inputs):
                left = rounded(values[row, j] / factors[j], scale, zero, 0, 255)
                total += left * rounded(weight[k, j] * factors[j], step, 0, -127, 127)
            # A value at the middle of two levels may fall on either.
            slack = sum(scale * abs(weight[k, j] * factors[j]) for j in range(inputs)) / inputs
            assert float(result[row, k]) == pytest.approx(total, abs=1e-4 + 0.51 * float(slack))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (nn.Conv2d, {"padding": 1}),
        (nn.Conv2d, {"padding": 1, "groups": 2}),
        (nn.Conv2d, {"padding": 1, "padding_mode": "reflect"}),
        (Conv2dSame, {}),
    ],
)
def test_a_convolution_is_close_and_keeps_its_geometry(kind, settings):
    torch.manual_seed(0)
    layer = kind(4, 6, 3, stride=2, **settings)
    values = torch.randn(2, 4, 9, 8)
    with torch.no_grad():
        close = rounded_layer(layer, torch.tensor([[float(values.min())], [float(values.max())]]))(values)
        exact = layer(values)
    assert close.shape == exact.shape
    assert 0 < float((close - exact).abs().max()) < 0.05 * float(exact.abs().max())


def test_a_layer_can_be_asked_for_its_weight():
    layer = nn.Conv2d(2, 3, 3)
    weight = rounded_layer(layer, torch.tensor([[-1.0], [1.0]])).weight
    steps = weight / (layer.weight.detach().abs().amax((1, 2, 3), keepdim=True) / 127)
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    torch.testing.assert_close(weight, layer.weight, atol=0.002, rtol=0)


@pytest.mark.parametrize("parametrize", [weight_norm, spectral_norm])
@pytest.mark.parametrize("kind", [lambda: nn.Linear(4, 6), lambda: nn.Conv2d(4, 6, 1)])
def test_a_weight_that_is_computed_is_rounded_as_it_is(parametrize, kind):
    torch.manual_seed(0)
    layer = parametrize(kind()).eval()
    values = torch.randn(5, 4, *[2] * (layer.weight.ndim - 2))
    plain = kind()
    plain.load_state_dict({"weight": layer.weight.detach(), "bias": layer.bias.detach()})
    ends = torch.tensor([[float(values.min())], [float(values.max())]]).expand(2, 4 if layer.weight.ndim == 2 else 1)
    torch.testing.assert_close(rounded_layer(layer, ends)(values), rounded_layer(plain, ends)(values))
