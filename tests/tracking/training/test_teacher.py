"""Pseudo-boxes, with plain template matching as the teacher."""

import cv2
import numpy as np
import pytest

from twinnet.errors import TwinnetError
from twinnet.tracking.training.teacher import agreed_boxes

SIZE = (30, 24)


def clip():
    """A patterned thing that moves over a patterned ground, and the truth."""
    rng = np.random.default_rng(0)
    thing = cv2.resize(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), SIZE)
    ground = cv2.resize(rng.integers(60, 120, (6, 8, 3), dtype=np.uint8), (160, 120))
    boxes = [(20 + 4 * i, 30 + 2 * i, *SIZE) for i in range(6)]
    frames = []
    for x, y, w, h in boxes:
        frame = ground.copy()
        frame[y : y + h, x : x + w] = thing
        frames.append(frame)
    return frames, np.array(boxes, dtype=float)


class TemplateMatching:
    def init(self, image, box):
        self.box = np.asarray(box, dtype=float)
        x, y, w, h = self.box.round().astype(int)
        self.template = image[y : y + h, x : x + w].copy()

    def update(self, image):
        found = cv2.matchTemplate(image, self.template, cv2.TM_CCOEFF_NORMED)
        _, score, _, corner = cv2.minMaxLoc(found)
        self.box[:2] = corner
        return score > 0.5, self.box.copy()


def test_a_target_that_is_followed_both_ways_gets_boxes():
    frames, truth = clip()
    found = agreed_boxes(frames, truth[0], TemplateMatching)
    assert found is not None and found.shape == truth.shape
    np.testing.assert_allclose(found, truth)


def test_a_target_that_leaves_gets_none():
    frames, truth = clip()
    empty = np.full_like(frames[0], 90)
    empty[60:70, 100:110] = 200  # draws whoever looks for something
    assert agreed_boxes([*frames[:3], empty, empty], truth[0], TemplateMatching) is None


def test_one_frame_is_no_clip():
    frames, truth = clip()
    with pytest.raises(TwinnetError, match="two frames"):
        agreed_boxes(frames[:1], truth[0], TemplateMatching)
