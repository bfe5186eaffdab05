"""A similarity matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinnet.plots.canvas import sheet, write

CELL = 0.42
CHARACTER = 0.075


def draw_heatmap(scores: Any, labels: Sequence[str], path: Path, title: str = "Similarity") -> None:
    """Write a similarity matrix as PNG, each cell with its number.

    Args:
        scores: Scores (N, N), of which 0 to 1 is coloured.
        labels: What the rows and columns are; the longest one decides the width of the picture.
        path: The file.
        title: What stands above.
    """
    size = len(labels)
    longest = max(map(len, labels), default=0)
    figure = sheet(2 + CHARACTER * longest + CELL * size, 1.2 + CELL * size)
    axes = figure.subplots()
    image = axes.imshow(scores, cmap="YlGnBu", vmin=0, vmax=1)
    # A dollar sign would begin a formula.
    names = [f"{label}  {number}".replace("$", r"\$") for number, label in enumerate(labels, start=1)]
    axes.set_yticks(range(size), names, fontsize=9)
    axes.set_xticks(range(size), [str(number) for number in range(1, size + 1)], fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row in range(size):
        for column in range(size):
            score = scores[row][column]
            colour = "white" if score > 0.55 else "black"
            axes.text(column, row, f"{score:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_title(title, loc="left", fontsize=11)
    figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01).outline.set_visible(False)
    write(figure, path)
