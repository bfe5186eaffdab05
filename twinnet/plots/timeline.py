"""Score and size of targets over a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinnet.plots.canvas import sheet, style, write


def draw_timeline(tracks: Mapping[str, Sequence[Sequence[Any]]], threshold: float | None, path: Path) -> None:
    """Write score and size over time as PNG.

    Args:
        tracks: For each target its rows (frame, x, y, w, h, score, lost).
        threshold: The score below which a target counts as lost, drawn as a line.
        path: The file.
    """
    figure = sheet(9, 5)
    score, size = figure.subplots(2, 1, sharex=True)
    for name, rows in tracks.items():
        table = np.array(rows, dtype=np.float64).reshape(-1, 7)
        (line,) = score.plot(table[:, 0], table[:, 5], label=name if len(tracks) > 1 else None, linewidth=1.2)
        gone = table[:, 6] > 0
        score.plot(table[gone, 0], table[gone, 5], ".", color="black", markersize=3)
        size.plot(table[:, 0], np.sqrt(table[:, 3] * table[:, 4]), color=line.get_color(), linewidth=1.2)
    if threshold is not None:
        score.axhline(threshold, color="grey", linestyle="--", linewidth=0.8)
        score.text(0.995, threshold, "lost below", transform=score.get_yaxis_transform(), ha="right", va="bottom")
    score.set(ylabel="score", title="Score and size over time (dots: lost)")
    size.set(ylabel="side of the box in pixels", xlabel="frame")
    size.set_ylim(0)
    if len(tracks) > 1:
        score.legend(title="target", fontsize=8)
    for axes in (score, size):
        style(axes)
    write(figure, path)
