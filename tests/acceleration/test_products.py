from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.acceleration.bert_cpu import _can_compute
from twinnet.acceleration.int8 import scale_and_zero, smoothing_factors
from twinnet.acceleration.products import Int8Linear, Levels, Linear

ACTIVATIONS = {"none": lambda values: values, "gelu": F.gelu, "relu": F.relu}
sizes = st.integers(1, 70)


def needs(precision):
    if not _can_compute(precision):
        pytest.skip(f"this processor has no instructions for {precision}")


def some(generator, *shape):
    return torch.randn(*shape, generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@settings(max_examples=20)
@given(st.integers(0, 999), sizes, sizes, sizes, st.sampled_from(list(ACTIVATIONS)))
def test_a_float_layer_computes_what_torch_does(dtype, seed, rows, inputs, outputs, activation):
    needs("float32" if dtype == torch.float32 else "bfloat16")
    generator = torch.Generator().manual_seed(seed)
    weight, bias = some(generator, outputs, inputs), some(generator, outputs)
    values, other = some(generator, rows, inputs), some(generator, rows, outputs)
    exact = F.linear(values, weight, bias)
    slack = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 0.03, "atol": 0.03 * inputs**0.5}
    torch.testing.assert_close(
        Linear(weight, bias, dtype, activation)(values).float(), ACTIVATIONS[activation](exact), **slack
    )
    plain = Linear(weight, bias, dtype)
    for kind in (torch.float32, torch.bfloat16):
        added = plain.add_to(other.to(kind), values)
        torch.testing.assert_close(added.float(), exact + other, rtol=0.03, atol=0.03 * inputs**0.5)
    torch.testing.assert_close(plain.add_to(other.to(dtype), values).float(), exact + other, **slack)


@settings(max_examples=20)
@given(st.integers(0, 999), sizes, sizes, sizes, st.sampled_from([0.1, 3.0, 50.0]))
def test_an_int8_layer_by_whole_numbers(seed, rows, inputs, outputs, outlier):
    needs("int8")
    generator = torch.Generator().manual_seed(seed)
    weight, bias = some(generator, outputs, inputs), some(generator, outputs)
    values, other = some(generator, rows, inputs), some(generator, rows, outputs)
    values[:, 0] *= outlier
    # What the layer will see may go beyond what was measured.
    ends = 0.9 * torch.stack([values.amin(0), values.amax(0)])
    layer = Int8Linear(weight, bias, ends, torch.float32)
    factors = smoothing_factors(weight, ends)
    scale, zero = scale_and_zero(ends / factors)
    levels = np.clip(np.floor((values / factors / scale + zero + 0.5).numpy()), 0, 255).astype(np.int64)
    steps = (weight * factors).abs().amax(1) / 127
    whole = np.rint((weight * factors / steps[:, None]).numpy()).astype(np.int64)
    expected = (levels - zero) @ whole.T * steps.numpy() * scale + bias.numpy()
    # A value at the middle of two levels may fall on either.
    slack = 1e-4 + float((weight * factors).abs().max()) * scale * 1.01
    assert np.abs(layer(values).numpy() - expected).max() <= slack
    assert np.abs(layer.add_to(other, values).numpy() - expected - other.numpy()).max() <= slack


def test_a_chain_that_stays_in_eight_bits():
    needs("int8")
    generator = torch.Generator().manual_seed(0)
    wide, narrow = some(generator, 96, 32), some(generator, 32, 96)
    zeros, values = torch.zeros(96), some(generator, 50, 32)
    inner = F.gelu(F.linear(values, wide, zeros))
    second = Int8Linear(narrow, zeros[:32], torch.stack([inner.amin(0), inner.amax(0)]), torch.float32, rounds=False)
    first = Int8Linear(wide, zeros, torch.stack([values.amin(0), values.amax(0)]), second.levels, "gelu")
    between = first(values)
    assert between.dtype == torch.uint8
    scale, zero = second.levels
    assert float(((between.float() - zero) * scale - inner).abs().max()) < 0.03 * float(inner.max())
    exact = F.linear(inner, narrow)
    assert float((second(between) - exact).abs().max()) < 0.03 * float(exact.abs().max())


def test_levels_hold_zero_and_both_ends():
    scale, zero = Levels(*scale_and_zero(torch.tensor([[1.0, 2.0], [3.0, 4.0]])))
    assert zero == 0
    assert scale == pytest.approx(4 / 255)
    assert scale_and_zero(torch.zeros(2, 3)) == (1.0, 0)
