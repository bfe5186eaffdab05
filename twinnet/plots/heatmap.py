"""A similarity matrix as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from twinnet.errors import TwinnetError

LABEL_WIDTH = 64


def draw_heatmap(scores: Any, labels: Sequence[str], path: Path) -> None:
    """Write a similarity matrix as PNG, each cell with its number.

    Args:
        scores: Scores (N, N).
        labels: What the rows and columns are.
        path: The file; its folder is made.

    Raises:
        TwinnetError: If the file cannot be written.
    """
    size = len(labels)
    figure = Figure(figsize=(7 + 0.5 * size, 1.6 + 0.42 * size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(scores, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    # A dollar sign would begin a formula.
    names = [shorten(label.replace("$", r"\$"), LABEL_WIDTH, placeholder="…") for label in labels]
    axes.set_yticks(range(size), [f"{name}  {number}" for number, name in enumerate(names, start=1)], fontsize=9)
    axes.set_xticks(range(size), [str(number) for number in range(1, size + 1)], fontsize=9)
    for row in range(size):
        for column in range(size):
            score = scores[row][column]
            colour = "black" if score > 0.6 else "white"
            axes.text(column, row, f"{score:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_title("Similarity of sentences", loc="left")
    figure.colorbar(image, ax=axes, shrink=0.8)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        FigureCanvasAgg(figure).print_png(temporary)
        temporary.replace(path)
    except OSError as error:
        raise TwinnetError(f"{path}: the picture cannot be written ({error})") from error
    finally:
        temporary.unlink(missing_ok=True)
