"""The warp against an explicit loop over pixels, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from twinnet import TwinnetError
from twinnet.image.augmentation import Augmentation
from twinnet.image.warp import Warp


def picture(height=23, width=31, channels=1):
    return torch.from_numpy(np.random.default_rng(5).integers(0, 256, (channels, height, width), dtype=np.uint8))


def test_nothing_asked_for_changes_nothing():
    assert torch.equal(Warp()(picture(channels=3)), picture(channels=3))


def test_places_are_turned_stretched_and_moved_about_the_middle():
    draw = [0.3, 0.1, 0.2, 0.15, -0.1, 0.05, -0.08]
    x, y = Warp(translate=0.1)._places(11, 17, draw, np.zeros((2, 5, 5), np.float32))
    turn, grow, aspect, slant_x, slant_y, move_x, move_y = draw
    for row, column in np.ndindex(11, 17):
        u, v = column - 8, row - 5
        u, v = u * math.exp(aspect / 2) + v * math.tan(slant_x), u * math.tan(slant_y) + v * math.exp(-aspect / 2)
        u, v = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
        assert x[row, column] == pytest.approx(u / (1 + grow) + 8 + move_x * 17, abs=1e-4)
        assert y[row, column] == pytest.approx(v / (1 + grow) + 5 + move_y * 11, abs=1e-4)


def test_draws_stay_within_their_limits_and_reach_them():
    warp = Warp(degrees=20, scale=0.3, translate=0.1)
    draws = []
    warp._places = lambda height, width, draw, field: (
        draws.append(draw) or Warp._places(warp, height, width, draw, field)
    )
    for seed in range(300):
        torch.manual_seed(seed)
        warp(picture())
    highest = np.abs(draws).max(0)
    np.testing.assert_allclose(highest, [math.radians(20), 0.3, 0, 0, 0, 0.1, 0.1], rtol=0.1)
    assert (highest <= np.array([math.radians(20), 0.3, 0, 0, 0, 0.1, 0.1]) + 1e-6).all()


def test_bending_moves_pixels_smoothly_and_fills_the_outside():
    bent = Warp(bend=0.03)(picture(64, 64))
    assert not torch.equal(bent, picture(64, 64))
    moved = Warp(translate=0.5, fill=255)(torch.zeros(1, 40, 40, dtype=torch.uint8))
    assert set(moved.unique().tolist()) <= set(range(256))
    assert moved.max() == 255


def test_the_seed_decides():
    augmentation = Augmentation([{"name": "Warp", "degrees": 30, "bend": 0.05}])
    pixels = picture().numpy().transpose(1, 2, 0)
    np.testing.assert_array_equal(augmentation(pixels, 3), augmentation(pixels, 3))
    assert (augmentation(pixels, 3) != augmentation(pixels, 4)).any()


@pytest.mark.parametrize("arguments", [{"degrees": -1}, {"scale": 1.0}, {"shear": 90}, {"bend": -0.1}])
def test_senseless_amounts_are_refused(arguments):
    with pytest.raises(TwinnetError, match="Warp"):
        Augmentation([{"name": "Warp", **arguments}])
