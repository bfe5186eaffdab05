"""Success and precision of trackers as curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinnet.plots.canvas import sheet, style, write


def draw_curves(curves: Mapping[str, tuple[Any, Any]], overlaps: Any, pixels: Any, path: Path) -> None:
    """Write the success and the precision plot of one-pass evaluation side by side as PNG.

    Args:
        curves: For each tracker its success at `overlaps` and its precision at `pixels`.
        overlaps: The thresholds of overlap.
        pixels: The thresholds of the error of the middle.
        path: The file.
    """
    figure = sheet(10, 4.2)
    success, precision = figure.subplots(1, 2)
    for name, (rate, close) in sorted(curves.items(), key=lambda item: -sum(item[1][0])):
        success.plot(overlaps, rate, label=f"{name} (AUC {sum(rate) / len(rate):.3f})")
        precision.plot(pixels, close, label=f"{name} ({close[20]:.3f} at 20 px)")
    success.set(xlabel="overlap is above", ylabel="share of frames", title="Success")
    precision.set(xlabel="error of the middle is at most, in pixels", title="Precision")
    for axes in (success, precision):
        axes.set_ylim(0, 1)
        axes.set_xlim(0)
        style(axes)
        axes.legend(loc="best", fontsize=8)
    write(figure, path)
