from __future__ import annotations

import cv2
import numpy as np
import pytest

from twinnet.evaluation.curves import error_curve
from twinnet.plots.identification import draw_cmc, draw_dir
from twinnet.plots.verification import draw_det, draw_histogram, draw_roc


def drawn(draw, path):
    draw(path)
    picture = cv2.imread(str(path))
    assert min(picture.shape[:2]) > 300
    return picture


@pytest.mark.parametrize(("gap", "genuine"), [(20.0, 40), (1.0, 40), (0.0, 1)], ids=["separable", "mixed", "one"])
def test_the_operating_point_is_drawn(tmp_path, gap, genuine):
    rng = np.random.default_rng(0)
    same = np.arange(400) < genuine
    scores = rng.normal(size=400) + gap * same
    curve = error_curve(scores, same)
    threshold = float(np.quantile(scores[~same], 0.95))
    point = curve.at(threshold)
    pictures = [
        (drawn(lambda path: draw_det(curve.fmr, curve.fnmr, path), tmp_path / "a.png"),
         drawn(lambda path: draw_det(curve.fmr, curve.fnmr, path, point), tmp_path / "b.png")),
        (drawn(lambda path: draw_roc(curve.fmr, curve.fnmr, path), tmp_path / "a.png"),
         drawn(lambda path: draw_roc(curve.fmr, curve.fnmr, path, point), tmp_path / "b.png")),
        (drawn(lambda path: draw_histogram(scores, same, path), tmp_path / "a.png"),
         drawn(lambda path: draw_histogram(scores, same, path, threshold), tmp_path / "b.png")),
    ]  # fmt: skip
    for without, with_point in pictures:
        dark = (with_point.max(axis=2) < 60).sum() - (without.max(axis=2) < 60).sum()
        assert dark > 60


def test_identification_is_drawn_where_nothing_goes_wrong(tmp_path):
    rate = {"value": 1.0, "low": 0.8, "high": 1.0, "found": 20, "probes": 20}
    at = {"target_fpir": 0.1, "threshold": 0.5, "dir": rate, "fpir": {"value": 0.0, "errors": 0, "trials": 30}}

    def blue(picture):
        return (picture[..., 0].astype(int) > picture[..., 2].astype(int) + 60).sum()

    cmc = drawn(lambda path: draw_cmc([{"rank": 1, "rate": rate}], path), tmp_path / "cmc.png")
    assert blue(cmc) > 40
    curve = np.array([0.0, 0.5, 1.0]), np.array([1.0, 1.0, 1.0])
    assert blue(drawn(lambda path: draw_dir(*curve, path, [at], at), tmp_path / "dir.png")) > 40
