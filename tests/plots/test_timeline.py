from __future__ import annotations

import cv2
import numpy as np

from twinnet.plots.timeline import draw_timeline


def drawn(tracks, threshold, path):
    draw_timeline(tracks, threshold, path)
    return cv2.imread(str(path)).astype(int)


def rows(score, lost=()):
    return [[frame, 0, 0, 30, 40, score, frame in lost] for frame in range(20)]


def coloured(picture):
    """How many pixels have a colour: only the lines of targets do."""
    return int((np.ptp(picture, axis=2) > 60).sum())


def test_each_target_has_a_line_and_a_name(tmp_path):
    one = drawn({"a": rows(0.9)}, None, tmp_path / "one.png")
    two = drawn({"a": rows(0.9), "b": rows(0.5)}, None, tmp_path / "two.png")
    assert min(coloured(one), coloured(two) - coloured(one)) > 300


def test_where_it_is_lost_and_below_which_score_is_drawn(tmp_path):
    plain = drawn({"a": rows(0.9)}, None, tmp_path / "plain.png")
    lost = drawn({"a": rows(0.9, lost=range(5, 15))}, None, tmp_path / "lost.png")
    marked = drawn({"a": rows(0.9)}, 0.9, tmp_path / "marked.png")
    assert ((lost.max(2) < 60).sum() - (plain.max(2) < 60).sum()) > 50
    assert (marked != plain).any()
