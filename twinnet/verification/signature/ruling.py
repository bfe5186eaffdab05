"""Ruled and squared paper: straight lines across the whole picture, taken away but for the strokes that cross them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

# A line is looked for in a picture of this width, within so many degrees of the horizontal and the vertical.
SEARCH_SIDE = 400
DEGREES = np.arange(-5, 5.01, 0.25)
# It is inked over this share of the picture's width, and at both of its ends.
COVERAGE = 0.7
END = 0.04
# Fewer lines may be strokes of a signature that fills its picture.
LEAST_LINES = 3
# A line is at most so thick, as a share of the picture's width.
THICKNESS = 0.02


def without_ruling(mask: Mask) -> tuple[Mask, bool]:
    """Take ruled lines out of a mask of ink (H, W); pixels where strokes cross a line stay.

    Returns:
        The mask without them, and whether there were any.
    """
    rows, ruled = _without_rows(mask)
    columns, squared = _without_rows(rows.T)
    return columns.T, ruled or squared


def _without_rows(mask: Mask) -> tuple[Mask, bool]:
    lines = ruled_lines(mask)
    mask = mask.copy()
    thickest = max(2, round(THICKNESS * mask.shape[1]))
    for row, slope in lines:
        _erase(mask, row, slope, thickest)
    return mask, bool(lines)


def ruled_lines(mask: Mask) -> list[tuple[float, float]]:
    """Nearly horizontal lines from border to border of a mask (H, W): row at the left border, and slope.

    The Hough transform, over the few angles that paper is photographed at.
    """
    scale = min(1.0, SEARCH_SIDE / mask.shape[1])
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 32
    crossings = (small & ~np.pad(small, ((1, 0), (0, 0)))[:-1]).sum(0)  # runs of ink in each column
    if (crossings >= LEAST_LINES).mean() < COVERAGE:
        return []
    found = []
    while (line := _strongest(small)) is not None:
        found.append(line)
        _clear(small, *line)
    return [(row / scale, slope) for row, slope in found] if len(found) >= LEAST_LINES else []


def _strongest(mask: Mask) -> tuple[float, float] | None:
    """The line that covers most columns of a mask, if it may be a ruled one: row and slope."""
    width = mask.shape[1]
    if not _reaches_both_ends(np.asarray(mask.any(0))):
        return None
    rows, columns = np.nonzero(mask)
    best, best_share = None, COVERAGE
    for slope in np.tan(np.radians(DEGREES)):
        at = np.round(rows - slope * columns).astype(np.int64)  # the row where a line through the pixel starts
        start = at.min(initial=0)
        counts = np.bincount(at - start, minlength=1)
        for peak in np.argsort(counts)[::-1][:2]:
            covered = np.zeros(width, dtype=bool)
            covered[columns[np.abs(at - start - peak) <= 1]] = True
            share = covered.mean()
            if share > best_share and _reaches_both_ends(covered):
                best, best_share = (float(peak + start), float(slope)), share
    return best


def _reaches_both_ends(covered: Mask) -> bool:
    end = max(2, round(END * len(covered)))
    return bool(covered[:end].any() and covered[-end:].any())


def _clear(mask: Mask, row: float, slope: float) -> None:
    columns = np.arange(mask.shape[1])
    centre = np.round(row + slope * columns).astype(np.int64)
    for offset in range(-2, 3):
        at = centre + offset
        inside = (at >= 0) & (at < mask.shape[0])
        mask[at[inside], columns[inside]] = False


def _erase(mask: Mask, row: float, slope: float, thickest: int) -> None:
    """Erase the ink along a line, column by column, unless it is taller there than the line is thick."""
    height, width = mask.shape
    padded = np.zeros((height + 2, width), dtype=bool)
    padded[1:-1] = mask
    runs = [_run(padded[:, x], round(row + slope * x) + 1, thickest) for x in range(width)]
    lengths = [last - first for first, last in runs if last > first]
    if not lengths:
        return
    thick = min(thickest, int(np.median(lengths)) + 1)
    for x, (first, last) in enumerate(runs):
        if last - first <= thick:
            mask[first - 1 : last - 1, x] = False


def _run(column: Mask, at: int, reach: int) -> tuple[int, int]:
    """The run of ink nearest to a place in a column, if one is within reach: first and last + 1."""
    for offset in sorted(range(-reach, reach + 1), key=abs):
        place = at + offset
        if 0 < place < len(column) - 1 and column[place]:
            first = last = place
            while column[first - 1]:
                first -= 1
            while column[last]:
                last += 1
            return first, last
    return 0, 0
