"""From a picture of paper to the ink on it: uneven light, coloured paper, ruled lines and noise are taken away."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels
from twinnet.verification.signature.ruling import without_ruling

Fraction = npt.NDArray[np.float32]

# Pictures are worked on at most so large: strokes of a signature are still several pixels thick.
WORKING_SIDE = 1600
# The paper is looked for in windows of this share of the longer side: wider than any stroke, narrower than shadows.
WINDOW = 1 / 12
# Ink takes at least so much of the paper's light, and stands out of its grain so many times.
LEAST_CONTRAST = 0.12
GRAINS = 6.0
# From here on it is more ink than paper.
INKED = 127
# A page with less ink than this share of it is blank.
LEAST_INK = 2e-4
# A tight box around a signature is ink to a third; of a light one on a dark ground most would be taken for ink.
MOST_INK = 0.6
# A spot with less ink than this share of all is a speck; between ruled lines, which leave crumbs, the larger one.
SPECK, CRUMB = 2e-3, 1e-2


@dataclass(frozen=True)
class Ink:
    """The ink of one signature, from 0 (paper) to 255 (full ink), uint8 (H, W)."""

    pixels: Pixels

    def box(self) -> Pixels:
        """The part that has ink in it, without the paper around."""
        rows, columns = (np.flatnonzero((self.pixels > INKED).any(axis)) for axis in (1, 0))
        return self.pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def find_ink(picture: Pixels) -> Ink | None:
    """The ink in a picture of paper, or the other way round, light on dark.

    Every channel is divided by the light of the paper around, and the darkest channel is taken, so that the colours of
    paper and ink do not matter as long as they differ. Several lines that run straight across the picture are the
    paper's ruling; a single one may be a stroke.

    Args:
        picture: uint8 (H, W, C).

    Returns:
        The ink, at most `WORKING_SIDE` pixels long; None for a page without ink.
    """
    picture = _at_most(picture, WORKING_SIDE)
    ink = _dark_ink(picture)
    return _dark_ink(255 - picture) if ink is not None and np.mean(ink.pixels > INKED) > MOST_INK else ink


def _dark_ink(picture: Pixels) -> Ink | None:
    paper = np.maximum(paper_of(picture), 1)
    taken = light_taken(picture, paper)
    # The camera's grain is the same everywhere, so where there is less light it takes a larger share of it.
    least = np.maximum(LEAST_CONTRAST, GRAINS * grain_of(picture) / paper.min(2))
    mask, was_ruled = without_ruling(taken > least)
    mask = _without_specks(mask, CRUMB if was_ruled else SPECK)
    if np.count_nonzero(mask) < max(8, LEAST_INK * mask.size):
        return None
    full = float(np.median(taken[mask]))
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the soft rim of strokes
    rim = np.clip(taken / full, 0, 1) * near
    return Ink((rim * 255).round().astype(np.uint8))


def light_taken(picture: Pixels, paper: Pixels) -> Fraction:
    """How much of the paper's light is missing at each place: uint8 (H, W, C) each -> (H, W) from 0 to 1."""
    darkest: Fraction = (picture / paper.astype(np.float32)).min(2)
    return np.clip(1 - darkest, 0, 1)


def grain_of(picture: Pixels) -> float:
    """The standard deviation of the noise in a picture (H, W, C), by the median of what a median filter removes."""
    removed = picture.astype(np.int16) - cv2.medianBlur(picture, 3).reshape(picture.shape)
    return 1.4826 * float(np.median(np.abs(removed)))


def paper_of(picture: Pixels) -> Pixels:
    """What the paper would look like without ink, uint8 (H, W, C): closed over strokes, then smoothed."""
    height, width = picture.shape[:2]
    scale = min(1.0, 400 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    window = 2 * round(max(size) * WINDOW / 2) + 1
    closed = cv2.morphologyEx(
        cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, np.ones((window, window), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    smooth = cv2.GaussianBlur(closed, (0, 0), window / 4)
    paper: Pixels = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).reshape(picture.shape)
    return paper


def _at_most(picture: Pixels, side: int) -> Pixels:
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    resized: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    return resized


def _without_specks(mask: npt.NDArray[np.bool_], share: float) -> npt.NDArray[np.bool_]:
    """Drop connected spots that have less than a share of the ink."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # the paper
    kept = np.asarray(areas > max(2.0, share * areas.sum()))
    spots: npt.NDArray[np.bool_] = kept[parts]
    return spots
