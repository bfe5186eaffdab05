from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.features import Features
from twinnet.heads import Dense, Normalize, Pooling, build_head
from twinnet.heads.pooling import MODES


def pooled_by_loops(mode, rows):
    """The vector of one item from the list of its real positions."""
    count = len(rows)
    if mode == "cls":
        return rows[0]
    if mode == "lasttoken":
        return rows[-1]
    if mode == "max":
        return np.array([max(row[d] for row in rows) for d in range(rows.shape[1])])
    total = np.zeros(rows.shape[1])
    weight = 0.0
    for i, row in enumerate(rows):
        w = i + 1 if mode == "weightedmean" else 1
        total += w * row
        weight += w
    return total / (np.sqrt(count) if mode == "mean_sqrt_len_tokens" else weight)


@given(st.integers(0, 99), st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from(MODES))
def test_sequences_against_loops(seed, lengths, mode):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(lengths), max(lengths), 5))
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    features = Features(torch.tensor(values, dtype=torch.float32), torch.tensor(mask).long())
    expected = [pooled_by_loops(mode, values[i, :length]) for i, length in enumerate(lengths)]
    np.testing.assert_allclose(Pooling(mode)(features).values, expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["mean", "max"])
def test_maps_are_pooled_over_places(mode):
    values = torch.randn(2, 4, 3, 5)
    expected = values.mean((2, 3)) if mode == "mean" else values.amax((2, 3))
    torch.testing.assert_close(Pooling(mode)(Features(values)).values, expected)


def test_several_modes_are_concatenated_in_order():
    features = Features(torch.randn(3, 6, 4))
    both = Pooling(["max", "mean"])
    torch.testing.assert_close(
        both(features).values, torch.cat([Pooling("max")(features).values, Pooling("mean")(features).values], 1)
    )
    assert both.out_width(4) == 8


def test_the_prompt_counts_only_if_it_is_included():
    values = torch.randn(2, 6, 4)
    without = Pooling("mean", include_prompt=False)(Features(values, prefix=2)).values
    torch.testing.assert_close(without, values[:, 2:].mean(1))
    torch.testing.assert_close(Pooling("mean")(Features(values, prefix=2)).values, values.mean(1))


def test_errors():
    with pytest.raises(TwinnetError, match="'men'.*'mean'"):
        Pooling("men")
    with pytest.raises(TwinnetError, match="drop the pooling"):
        Pooling()(Features(torch.randn(2, 3)))
    with pytest.raises(TwinnetError, match="'tanhh'.*'tanh'"):
        Dense(2, 2, activation="tanhh")


def test_a_chain_is_told_its_widths():
    head = build_head(["pooling/mean", {"name": "dense", "out_features": 7}, "layernorm", "normalize"], 5, "sequence")
    assert head.width == 7
    out = head(Features(torch.randn(3, 4, 5))).values
    torch.testing.assert_close(out.norm(dim=1), torch.ones(3))


def test_what_is_no_layer_is_refused():
    with pytest.raises(TwinnetError, match="head 5: expected a layer"):
        build_head(5, 5, "map")


def test_the_default_pools_only_what_can_be_pooled():
    assert [type(layer) for layer in build_head(None, 5, "map")] == [Pooling]
    assert list(build_head(None, 5, "vector")) == []


def test_normalize_works_over_the_channels_of_a_map():
    out = Normalize()(Features(torch.randn(2, 4, 3, 3))).values
    torch.testing.assert_close(out.norm(dim=1), torch.ones(2, 3, 3))


@pytest.mark.parametrize("out", [4, 6])
def test_residual_dense(out):
    layer = Dense(4, out, activation="tanh", residual=True)
    x = torch.randn(3, 4)
    skip = x if out == 4 else x @ layer.residual.weight.T
    expected = torch.tanh(x @ layer.linear.weight.T + layer.linear.bias) + skip
    torch.testing.assert_close(layer(Features(x)).values, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_last_token_of_a_long_text_in_half_precision(dtype):
    values = torch.arange(3000.0).to(dtype)[None, :, None]
    mask = (torch.arange(3000) < 2777)[None]
    assert Pooling("lasttoken")(Features(values, mask)).values == values[0, 2776]


def test_zeros_stay_zeros_in_half_precision():
    assert (Normalize()(Features(torch.zeros(2, 4).half())).values == 0).all()
