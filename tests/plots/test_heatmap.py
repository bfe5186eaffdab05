from __future__ import annotations

import cv2
import numpy as np

from twinnet.plots.heatmap import draw_heatmap


def test_cells_are_darker_where_scores_are_higher(tmp_path):
    scores = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.5, 0.5, 1.0]])
    levels = []
    for matrix in (scores, np.zeros((3, 3)), np.ones((3, 3))):
        draw_heatmap(matrix, ["a", "$b$", "a longer one"], tmp_path / "map.png")
        levels.append(cv2.imread(str(tmp_path / "map.png")).astype(int))
    assert levels[0].shape == levels[1].shape == levels[2].shape
    assert levels[2].mean() < levels[0].mean() < levels[1].mean()
