"""Boxes as text, in the formats of the field."""

from __future__ import annotations

from collections.abc import Sequence

from twinnet.tracking.track import Hit

FORMATS = ("csv", "otb", "mot")
HEADER = "frame,x,y,w,h,score,lost"


def header(form: str, *, several: bool) -> str | None:
    """The first line of a table, if its format has one; several targets add a column."""
    if form != "csv":
        return None
    return HEADER + (",target" if several else "")


def line(hit: Hit, form: str, names: Sequence[str]) -> str:
    """A hit as a line.

    Args:
        hit: The hit.
        form: "csv" (0-based, with score and lost), "otb" (x,y,w,h, 1-based) or "mot" (frame,id,x,y,w,h,score,-1,-1,-1,
            all 1-based; https://motchallenge.net).
        names: The names of all targets.
    """
    x, y, w, h = hit.box
    if form == "otb":
        return f"{x + 1:.3f},{y + 1:.3f},{w:.3f},{h:.3f}"
    if form == "mot":
        number = names.index(hit.target) + 1
        return f"{hit.frame + 1},{number},{x + 1:.3f},{y + 1:.3f},{w:.3f},{h:.3f},{hit.score:.4f},-1,-1,-1"
    columns = f"{hit.frame},{x:.3f},{y:.3f},{w:.3f},{h:.3f},{hit.score:.4f},{int(hit.lost)}"
    return columns + (f",{hit.target}" if len(names) > 1 else "")
