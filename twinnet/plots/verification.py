"""Scores of genuine and impostor pairs, and the curves of the two errors, each with the operating point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy import stats

from twinnet.plots.canvas import canvas, write

GENUINE, IMPOSTOR, POINT = "#1b6ca8", "#c8553d", "black"
MOST_BINS, FEWEST_BINS = 60, 10
# The axes of a DET curve, in the usual steps.
DET_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8)
Errors = tuple[float, float]


def draw_histogram(scores: Any, same: Any, path: Path, threshold: float | None = None) -> None:
    """Write the distributions of genuine and impostor scores as PNG, each with an area of one.

    Args:
        scores: Scores (N,); larger is closer.
        same: Whether each pair is genuine (N,).
        path: The file.
        threshold: The operating point's, drawn as a line.
    """
    figure, axes = canvas()
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=bool)
    bins = int(np.clip(2 * np.sqrt(min(b.sum(), (~b).sum())), FEWEST_BINS, MOST_BINS))
    edges = np.linspace(a.min(), a.max() + 1e-9, bins + 1).tolist()
    for kind, name, colour in ((~b, "impostor", IMPOSTOR), (b, "genuine", GENUINE)):
        axes.hist(a[kind], edges, density=True, alpha=0.6, color=colour, label=f"{name} ({int(kind.sum()):,} pairs)")
    if threshold is not None:
        axes.axvline(threshold, color=POINT, linestyle="--", linewidth=1, label=f"threshold {threshold:.4g}")
    axes.set(xlabel="score (larger is closer)", ylabel="density", title="Scores")
    write(figure, path)


def draw_roc(fmr: Any, fnmr: Any, path: Path, point: Errors | None = None, label: str | None = None) -> None:
    """Write the ROC curve as PNG, on a logarithmic FMR axis where the rates that matter can be seen.

    Args:
        fmr: False match rates at falling thresholds (T,).
        fnmr: False non-match rates at the same thresholds (T,).
        path: The file.
        point: FMR and FNMR of the operating point, drawn as a dot.
        label: What the curve is called in the legend, as in "48 genuine, 448 impostor pairs".
    """
    figure, axes = canvas()
    x = np.asarray(fmr)
    lowest = x[x > 0].min() / 2
    axes.plot(np.maximum(x, lowest), 1 - np.asarray(fnmr), color=GENUINE, drawstyle="steps-post", label=label)
    if point is not None:
        axes.plot(max(point[0], lowest), 1 - point[1], "o", color=POINT, label=_named(point), clip_on=False)
    axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.02))
    axes.set(xlabel="false match rate", ylabel="true match rate (1 - FNMR)", title="ROC")
    write(figure, path)


def draw_det(fmr: Any, fnmr: Any, path: Path, point: Errors | None = None, label: str | None = None) -> None:
    """Write the DET curve as PNG, on normal deviate axes (Martin et al. 1997); arguments as for `draw_roc`."""
    figure, axes = canvas()
    x, y = np.asarray(fmr), np.asarray(fnmr)
    inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
    axes.plot(_deviate(x[inside]), _deviate(y[inside]), color=GENUINE, label=label)
    if point is not None:
        axes.plot(*_deviate(np.array(point)), "o", color=POINT, label=_named(point), clip_on=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(stats.norm.ppf(DET_TICKS)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{stats.norm.cdf(value) * 100:.3g} %"))
    limits = stats.norm.ppf([DET_TICKS[0] / 2, 0.9])
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="false match rate", ylabel="false non-match rate", title="DET")
    write(figure, path)


def _deviate(rates: Any) -> Any:
    return stats.norm.ppf(np.clip(rates, DET_TICKS[0] / 2, 1 - 1e-9))


def _named(point: Errors) -> str:
    return f"operating point: FMR {point[0]:.2g}, FNMR {point[1]:.2g}"
