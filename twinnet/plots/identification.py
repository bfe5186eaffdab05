"""One against many: who is found at which rank, and at which rate of false positives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from twinnet.plots.canvas import canvas, write

FOUND, POINT = "#1b6ca8", "black"


def draw_cmc(cmc: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the cumulative match characteristic as PNG.

    Args:
        cmc: What `Searches.cmc` gives; the intervals are drawn as a band.
        path: The file.
    """
    figure, axes = canvas()
    ranks, rates = [entry["rank"] for entry in cmc], [entry["rate"] for entry in cmc]
    low, value, high = ([rate[name] for rate in rates] for name in ("low", "value", "high"))
    axes.fill_between(ranks, low, high, color=FOUND, alpha=0.15, linewidth=0, label="95 % interval")
    axes.plot(ranks, value, "o-", color=FOUND, markersize=4, label=f"{rates[0]['probes']:,} probes")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(ylim=(max(0.0, min(low) - 0.05), 1.005), xlabel="rank r", ylabel="right person among the first r")
    axes.set(title="Cumulative match characteristic")
    write(figure, path)


def draw_dir(
    fpir: Any, found: Any, path: Path, shown: Sequence[Mapping[str, Any]], point: Mapping[str, Any] | None = None
) -> None:
    """Write the detection and identification rate over the false positive identification rate as PNG.

    Args:
        fpir: False positive identification rates at falling thresholds (T,).
        found: Detection and identification rates at the same thresholds (T,).
        path: The file.
        shown: What `Searches.dir_at_fpir` gives for one or more rates; their intervals are drawn.
        point: What `Searches.at` gives for the operating point.
    """
    figure, axes = canvas()
    x = np.asarray(fpir)
    lowest = x[x > 0].min() / 2
    counts = f"{shown[0]['dir']['probes']:,} probes, and {shown[0]['fpir']['trials']:,} of strangers"
    axes.plot(np.maximum(x, lowest), found, color=FOUND, drawstyle="steps-post", label=counts)
    marks: list[tuple[Mapping[str, Any], str, str, str | None]] = [(entry, "o", FOUND, None) for entry in shown]
    if point is not None:
        named = f"operating point: FPIR {point['fpir']['value']:.2g}, DIR {point['dir']['value']:.2g}"
        marks.append((point, "D", POINT, named))
    for entry, marker, colour, label in marks:
        rate, place = entry["dir"], max(entry["fpir"]["value"], lowest)
        reach = [[max(0.0, rate["value"] - rate["low"])], [max(0.0, rate["high"] - rate["value"])]]
        axes.errorbar(place, rate["value"], reach, fmt=marker, color=colour, capsize=3, markersize=5, label=label)
    axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.02), title="Open-set identification, with 95 % intervals")
    axes.set(xlabel="false positive identification rate (strangers)", ylabel="detection and identification rate")
    write(figure, path)
