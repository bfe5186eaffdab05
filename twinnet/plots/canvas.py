"""One look for the curves of results."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def canvas() -> tuple[Figure, Axes]:
    """An empty picture with a light grid."""
    figure = sheet(6.4, 5)
    axes = figure.subplots()
    style(axes)
    return figure, axes


def sheet(width: float, height: float) -> Figure:
    """An empty picture without axes, in inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=130)


def style(axes: Axes) -> None:
    """A light grid, and no frame at the top and the right."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def write(figure: Figure, path: Path) -> None:
    """Write it as PNG, with a legend where anything has a label and there is none."""
    for axes in figure.axes:
        if axes.get_legend_handles_labels()[1] and axes.get_legend() is None:
            axes.legend(frameon=False)
    FigureCanvasAgg(figure).print_png(path)
