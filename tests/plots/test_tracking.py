from __future__ import annotations

import cv2
import numpy as np

from twinnet.plots.tracking import draw_curves


def test_every_tracker_has_two_curves(tmp_path):
    overlaps, pixels = np.linspace(0, 1, 21), np.arange(51)
    curves = {name: (np.full(21, level), np.full(51, level)) for name, level in (("a", 0.3), ("b", 0.7))}
    counts = []
    for names in (["a"], ["a", "b"]):
        draw_curves({name: curves[name] for name in names}, overlaps, pixels, tmp_path / "curves.png")
        picture = cv2.imread(str(tmp_path / "curves.png")).astype(int)
        halves = np.array_split(np.ptp(picture, axis=2) > 60, 2, axis=1)  # only the curves have a colour
        counts.append([int(half.sum()) for half in halves])
    assert min(counts[0]) > 300
    assert min(np.subtract(counts[1], counts[0])) > 300
