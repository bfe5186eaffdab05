from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinnetError
from twinnet.features import Features
from twinnet.heads.rotation import fitted_rotation


def error(projected):
    """The mean square distance of values (N, bits) from their signs, scaled as fits them best."""
    signs = np.where(projected > 0, 1, -1)
    return np.mean((projected / np.abs(projected).mean() - signs) ** 2)


def test_values_lie_closer_to_their_signs_than_behind_other_rotations():
    rng = np.random.default_rng(0)
    corners = rng.choice([-1.0, 1.0], (500, 6)) + rng.normal(0, 0.2, (500, 6))
    rotation, _ = np.linalg.qr(rng.normal(size=(9, 9)))
    rows = np.pad(corners, ((0, 0), (0, 3))) @ rotation + 5
    layer = fitted_rotation(rows, 6)
    values = layer(Features(torch.tensor(rows, dtype=torch.float32))).values.detach().numpy()
    others = [error(values @ np.linalg.qr(rng.normal(size=(6, 6)))[0]) for _ in range(50)]
    assert error(values) < 0.8 * min(others)


def test_the_planes_are_orthonormal_and_the_sample_is_centred():
    rows = np.random.default_rng(0).normal(size=(300, 12)) + 3
    layer = fitted_rotation(rows, 8)
    torch.testing.assert_close(layer.linear.weight @ layer.linear.weight.T, torch.eye(8), atol=1e-5, rtol=0)
    values = layer(Features(torch.tensor(rows, dtype=torch.float32))).values
    torch.testing.assert_close(values.mean(0), torch.zeros(8), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("rows", "bits"), [(9, 0), (9, 6), (1, 2)])
def test_more_bits_than_there_are_dimensions_are_refused(rows, bits):
    with pytest.raises(TwinnetError, match="bits"):
        fitted_rotation(np.ones((rows, 5)), bits)
