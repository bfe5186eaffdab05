"""The change map over a picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from twinnet.image.decoding import Pixels

COLOUR = (255, 32, 64)
GREATEST = 0.6


def draw_changes(picture: Pixels, odds: Any) -> Pixels:
    """The picture in grey, redder where a change is more probable, with an outline around what counts as changed.

    Args:
        picture: uint8 (H, W, 3).
        odds: Log odds that a pixel shows the same (H, W).
    """
    probability = 1 / (1 + np.exp(np.clip(odds, -30, 30)))  # of a change
    grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, 2)
    share = GREATEST * probability[:, :, None]
    drawn = (grey * (1 - share) + np.array(COLOUR) * share).round().astype(np.uint8)
    outlines, _ = cv2.findContours((odds < 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    result: Pixels = cv2.drawContours(drawn, outlines, -1, COLOUR, 1)
    return result


def changed_boxes(odds: Any, least: int = 16) -> list[tuple[int, int, int, int]]:
    """The boxes x, y, w, h around connected changed pixels, the largest areas first; specks are left out.

    Args:
        odds: Log odds that a pixel shows the same (H, W).
        least: Pixels below which an area is a speck.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats((np.asarray(odds) < 0).astype(np.uint8))
    areas = sorted(stats[1:], key=lambda row: -row[cv2.CC_STAT_AREA])
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, area in areas if area >= least]
