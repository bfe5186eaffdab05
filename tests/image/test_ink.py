from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.errors import ItemError
from twinnet.image.ink import InkBox
from twinnet.image.preprocess import ImagePreprocess

STROKE = np.array([[0, 0], [40, 10], [12, 30], [44, 40]], np.float64)


def drawn(size=(105, 105), at=(0.0, 0.0), scale=1.0, paper=255, ink=0):
    picture = np.full((*size, 1), paper, np.uint8)
    points = np.round((STROKE * scale + at) * 16).astype(np.int32)
    cv2.polylines(picture, [points], False, ink, 2, shift=4)
    return picture


def box(picture):
    rows, columns = np.nonzero(picture[:, :, 0] < 128)
    return np.array([rows.min(), rows.max(), columns.min(), columns.max()])


@given(st.floats(0.6, 1.8), st.floats(3, 20), st.floats(3, 20), st.floats(0.3, 1))
def test_ink_fills_its_share_wherever_and_however_large_it_was(scale, x, y, share):
    top, bottom, left, right = box(InkBox(share)(drawn(at=(x, y), scale=scale)))
    assert max(bottom - top, right - left) == pytest.approx(105 * share, abs=4)
    assert (top + bottom) / 2 == pytest.approx(52, abs=2)
    assert (left + right) / 2 == pytest.approx(52, abs=2)


def test_narrow_ink_is_widened_in_part():
    """A cube root of what its sides differ by is taken away."""
    picture = np.full((100, 100, 1), 255, np.uint8)
    picture[10:90, 20:30] = 0
    top, bottom, left, right = box(InkBox(0.8)(picture))
    assert (bottom - top + 1, right - left + 1) == (80, 20)


def test_a_dot_stays_small():
    picture = np.full((100, 100, 1), 255, np.uint8)
    picture[70:74, 10:14] = 0
    top, bottom, left, right = box(InkBox(0.8)(picture))
    assert bottom - top + 1 == right - left + 1 == 16


@pytest.mark.parametrize("pixels", [np.full((9, 14, 3), 200, np.uint8), np.zeros((1, 1, 1), np.uint8)])
def test_a_picture_without_ink_stays_as_it_is(pixels):
    np.testing.assert_array_equal(InkBox(0.8)(pixels), pixels)


def test_grey_paper_goes_on_outside_and_colour_stays():
    picture = np.repeat(drawn((80, 120), at=(60, 30), paper=180, ink=20), 3, axis=2)
    picture[picture[:, :, 0] < 100] = (10, 20, 90)
    framed = InkBox(0.7)(picture)
    assert framed.shape == picture.shape
    assert (framed[0] == 180).all() and (framed[:, 0] == 180).all()
    assert (framed == (10, 20, 90)).all(2).any()


def test_the_preprocess_sees_drawings_alike_that_differ_in_place():
    preprocess = ImagePreprocess((28, 28), (0.0,), (1.0,), ink=0.8)
    one, other = (preprocess.prepare([drawn(at=at)])[0].data for at in [(5, 8), (52, 60)])
    assert np.abs(one.astype(int) - other).mean() < 3


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_impossible_shares_are_refused(share):
    with pytest.raises(TwinnetError, match="ink"):
        InkBox(share)


def test_a_side_that_cannot_be_framed_is_refused_by_its_place():
    preprocess = ImagePreprocess(size=[16, 16], mean=[0.5], std=[0.5], ink=0.8)
    longest, longer = (np.full((4, side), 255, np.uint8) for side in (2**15 - 2, 2**15 - 1))
    for picture in (longest, longer):
        picture[1:3, 5:90] = 0
    assert len(preprocess.prepare([longest])) == 1
    with pytest.raises(ItemError, match="32767 x 4.*at most 32,766 pixels a side") as raised:
        preprocess.prepare([longest, longer])
    assert raised.value.position == 1
