from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from twinnet import TwinnetError
from twinnet.distances import Cosine, Hamming
from twinnet.features import Features
from twinnet.heads.hashing import Hyperplanes, Sign


def differing(a, b, width, bits, seed):
    planes = Hyperplanes(width, bits, seed)
    return float(Hamming().pairwise(planes(Features(a[None])).values, planes(Features(b[None])).values))


@pytest.mark.parametrize("degrees", [5, 30, 60, 90, 120, 175])
def test_bits_agree_with_the_probability_of_theory(degrees):
    """1 - angle / pi (Charikar 2002) over many draws of planes; the seeds are fixed, the bound is 4 standard errors."""
    width, bits, draws, angle = 24, 60, 60, math.radians(degrees)
    a = torch.eye(width)[0]
    b = a * math.cos(angle) + torch.eye(width)[1] * math.sin(angle)
    agree = 1 - sum(differing(a, b, width, bits, seed) for seed in range(draws)) / (bits * draws)
    expected = 1 - angle / math.pi
    assert abs(agree - expected) < 4 * math.sqrt(expected * (1 - expected) / (bits * draws))


def test_orthogonal_planes_estimate_the_angle_with_less_variance():
    width = 32
    a = torch.eye(width)[0]
    b = (a + torch.eye(width)[1]) / math.sqrt(2)
    shares = [differing(a, b, width, width, seed) / width for seed in range(200)]
    of_independent_planes = 0.25 * 0.75 / width
    assert np.var(shares) < 0.9 * of_independent_planes


def test_planes_are_those_of_the_seed_orthogonal_and_not_trained():
    layer = Hyperplanes(6, 15, seed=3)
    assert layer.out_width(6) == 15
    assert not list(layer.parameters())
    for block in layer.planes.split(6):
        torch.testing.assert_close(block @ block.T, torch.eye(len(block)))
    assert torch.equal(layer.planes, Hyperplanes(6, 15, seed=3).planes)
    assert not torch.equal(layer.planes, Hyperplanes(6, 15, seed=4).planes)
    with pytest.raises(TwinnetError, match="bits is 0"):
        Hyperplanes(6, 0)


def test_the_cosine_of_signs_is_the_hamming_distance():
    a, b = torch.randn(9, 40), torch.randn(9, 40)
    codes = [Sign()(Features(x)).values for x in (a, b)]
    assert set(codes[0].unique().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close(Cosine().pairwise(*codes), 1 - 2 * Hamming().pairwise(a, b) / 40)
    assert Sign()(Features(torch.zeros(1, 2))).values.tolist() == [[-1, -1]]
