from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinnet.boxes import centres
from twinnet.tracking.crops import Region, crop, crops, exemplar_region, mean_colour, search_region

REGIONS = st.builds(Region, st.floats(-10, 70), st.floats(-10, 60), st.floats(4, 60))


def smooth(height=48, width=64):
    """A frame whose values change slowly, so that interpolation in whole levels stays near the exact one."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)]
    return np.stack([127 + 100 * wave for wave in waves], axis=-1).astype(np.uint8)


def sampled(frame, region, size, border):
    """Linear interpolation by explicit loops, in the coordinates where a pixel's middle lies at 0.5."""
    out = np.zeros((size, size, 3))
    for row in range(size):
        for column in range(size):
            x = region.x - region.side / 2 + (column + 0.5) * region.side / size - 0.5
            y = region.y - region.side / 2 + (row + 0.5) * region.side / size - 0.5
            left, top = math.floor(x), math.floor(y)
            for j, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
                for i, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
                    inside = 0 <= j < frame.shape[0] and 0 <= i < frame.shape[1]
                    out[row, column] += weight_x * weight_y * (frame[j, i] if inside else np.asarray(border))
    return out


@given(REGIONS)
def test_a_crop_samples_between_pixels(region):
    frame = smooth()
    border = mean_colour(frame)
    difference = crop(frame, region, 31, border) - sampled(frame, region, 31, border)
    # warpAffine places samples to 1/32 of a pixel; the border is a step of up to 227 levels.
    assert np.abs(difference).mean() < 1
    assert np.abs(difference).max() < 227 / 16


def test_a_crop_of_whole_pixels_is_a_copy():
    frame = np.random.default_rng(0).integers(0, 256, size=(48, 64, 3), dtype=np.uint8)
    assert (crop(frame, Region(30.5, 20.5, 15), 15, (0, 0, 0)) == frame[13:28, 23:38]).all()


@given(st.integers(2, 5), st.integers(10, 60), st.integers(10, 50))
def test_what_shrinks_is_averaged(shrink, left, top):
    frame = np.random.default_rng(0).integers(0, 256, size=(48, 64, 3), dtype=np.uint8)
    size = 9
    side = size * shrink
    cut = crop(frame, Region(left + side / 2, top + side / 2, side), size, (10, 20, 30))
    padded = np.empty((48 + 200, 64 + 200, 3))
    padded[:] = (10, 20, 30)
    padded[100:148, 100:164] = frame
    part = padded[100 + top : 100 + top + side, 100 + left : 100 + left + side]
    expected = part.reshape(size, shrink, size, shrink, 3).mean((1, 3))
    assert np.abs(cut - expected).max() <= 1


def test_shrinking_has_no_moire():
    stripes = np.zeros((600, 600, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    cut = crop(stripes, Region(300.3, 299.7, 510), 127, (0, 0, 0))
    assert np.abs(cut.astype(float) - 127.5).max() < 40


@given(REGIONS, st.integers(8, 300))
def test_the_corners_of_a_crop_are_those_of_the_region(region, size):
    half = np.array([region.side / 2] * 2)
    middle = np.array([region.x, region.y])
    points = np.array([[0, 0], [size / 2, size / 2], [size, size]])
    assert region.to_frame(points, size) == pytest.approx(np.array([middle - half, middle, middle + half]), abs=1e-9)


def test_a_point_of_the_crop_shows_that_point_of_the_frame():
    frame = np.zeros((100, 120, 3), dtype=np.uint8)
    cv2.circle(frame, (70, 40), 3, (255, 255, 255), -1)  # its middle is at 70.5, 40.5
    region = Region(60, 50, 64)
    cut = crop(frame, region, 127, (0, 0, 0))[..., 0].astype(float)
    rows, columns = np.mgrid[:127, :127] + 0.5
    seen = [(columns * cut).sum() / cut.sum(), (rows * cut).sum() / cut.sum()]
    assert region.to_frame(seen, 127) == pytest.approx([70.5, 40.5], abs=0.05)


def test_the_regions_of_the_paper():
    box = (10, 20, 30, 50)
    region = exemplar_region(box)
    assert (region.x, region.y) == tuple(centres(box))
    assert region.side == pytest.approx(math.sqrt((30 + 40) * (50 + 40)))
    assert search_region(box).side == pytest.approx(region.side * 255 / 127)


def test_scales_are_crops_of_their_own():
    frame = smooth(400, 500)
    regions = [Region(200, 180, 400).scaled(factor) for factor in (0.96, 1, 1.04)]
    together = crops(frame, regions, 64, (0, 0, 0))
    for cut, region in zip(together, regions, strict=True):
        assert np.abs(cut.astype(int) - crop(frame, region, 64, (0, 0, 0))).max() <= 2


def test_a_region_far_outside_is_border():
    cut = crop(smooth(), Region(-500, 900, 300), 20, (10, 20, 30))
    assert (cut == (10, 20, 30)).all()
