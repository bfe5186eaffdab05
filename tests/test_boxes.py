from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinnet.boxes import centres, clamp, from_centres, iou

WHOLE = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 15), st.integers(1, 15))
ANY = st.tuples(*[st.floats(-200, 200)] * 2, *[st.floats(0.1, 300)] * 2)


def painted(box):
    canvas = np.zeros((40, 40), dtype=bool)
    x, y, w, h = box
    canvas[y : y + h, x : x + w] = True
    return canvas


@given(WHOLE, WHOLE)
def test_iou_counts_pixels(a, b):
    first, second = painted(a), painted(b)
    assert iou(a, b) == pytest.approx((first & second).sum() / (first | second).sum())


def test_iou_broadcasts_and_knows_boxes_without_area():
    assert iou([[0, 0, 2, 2], [9, 9, 0, 0]], [1, 0, 2, 2]) == pytest.approx([1 / 3, 0])
    assert iou([0, 0, 0, 0], [0, 0, 0, 0]) == 0


@given(ANY)
def test_centres_go_back(box):
    assert from_centres(centres(box), box[2:]) == pytest.approx(box)


@given(ANY)
def test_a_clamped_box_lies_in_the_frame_and_keeps_what_was_in_it(box):
    clamped = clamp(box, 64, 48)
    assert (clamped[:2] >= 0).all()
    assert (clamped[:2] + clamped[2:] <= [64 + 1e-9, 48 + 1e-9]).all()
    assert (clamped[2:] > 0).all()
    x, y, w, h = box
    inside = x >= 0 and y >= 0 and x + w <= 64 and y + h <= 48 and w >= 1 and h >= 1
    if inside:
        assert clamped == pytest.approx(box)
