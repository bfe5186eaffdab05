"""Boxes, scores and similarity maps drawn into frames."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from twinnet.image.decoding import Pixels
from twinnet.tracking.target import Target

# RGB, told apart by people with any colour vision (Okabe and Ito 2008).
COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
LOST = (150, 150, 150)
OPACITY = 0.45


def annotate(frame: Pixels, targets: Mapping[str, Target], *, overlay: bool = False) -> Pixels:
    """A copy of a frame with the boxes of its targets and their scores; grey and dashed where a target is lost.

    Args:
        frame: RGB, uint8 (H, W, 3).
        targets: The targets by name.
        overlay: Whether to lay the similarity map of each search region over the frame.
    """
    drawn = frame.copy()
    if overlay:
        for target in targets.values():
            _lay_map(drawn, target)
    for number, (name, target) in enumerate(targets.items()):
        colour = LOST if target.lost else COLOURS[number % len(COLOURS)]
        x, y, w, h = target.box
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        for first, second in zip(corners, [*corners[1:], corners[0]], strict=True):
            _line(drawn, first, second, colour, dashed=target.lost)
        prefix = "" if len(targets) == 1 else f"{name}  "
        _label(drawn, f"{prefix}{target.score:.2f}{'  lost' if target.lost else ''}", (x, y), colour)
    return drawn


def _line(
    frame: Pixels, first: tuple[float, float], second: tuple[float, float], colour: tuple[int, ...], *, dashed: bool
) -> None:
    start, end = np.array(first), np.array(second)
    count = max(1, int(np.linalg.norm(end - start) / 6)) if dashed else 1
    stops = [start + (end - start) * share for share in np.linspace(0, 1, count + 1)]
    for number in range(0, count, 2):
        begin, finish = (tuple(int(value) for value in stops[number + step].round()) for step in (0, 1))
        cv2.line(frame, begin, finish, colour, 2, cv2.LINE_AA)


def _label(frame: Pixels, text: str, corner: tuple[float, float], colour: tuple[int, ...]) -> None:
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    x = int(np.clip(corner[0], 0, max(0, frame.shape[1] - width - 4)))
    y = int(corner[1]) - 4 if corner[1] > height + base + 6 else int(corner[1]) + height + 6
    cv2.rectangle(frame, (x, y - height - 4), (x + width + 4, y + base), colour, -1)
    cv2.putText(frame, text, (x + 2, y - 1), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)


def _lay_map(frame: Pixels, target: Target) -> None:
    """Warm where the exemplar is close; the map is stretched from its lowest to its highest value."""
    if target.scores is None or target.map_centre is None:
        return
    low, high = float(target.scores.min()), float(target.scores.max())
    levels = (255 * (target.scores - low) / max(high - low, 1e-9)).astype(np.uint8)
    cells = len(levels)
    step = target.reach / cells
    left, top = target.map_centre - target.reach / 2 + step / 2
    matrix = np.array([[step, 0, left - 0.5], [0, step, top - 0.5]])
    size = (frame.shape[1], frame.shape[0])
    warm = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    laid = cv2.warpAffine(warm, matrix, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.ones_like(levels), matrix, size, flags=cv2.INTER_NEAREST)[..., None] > 0
    np.copyto(frame, (OPACITY * laid + (1 - OPACITY) * frame).astype(np.uint8), where=inside)
