"""Boxes as text, in the formats of the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from twinnet.errors import unknown_name
from twinnet.tracking.track import Hit

FORMATS = ("csv", "otb", "mot")
HEADER = "frame,x,y,w,h,score,lost"


class BoxTable:
    """Writes hits as lines.

    Args:
        file: Where they go; nothing is written before the first hit.
        form: "csv" (0-based, with score and lost; several targets add a column), "otb" (x,y,w,h, 1-based, a line for
            each frame of one target) or "mot" (frame,id,x,y,w,h,score,-1,-1,-1, all 1-based;
            https://motchallenge.net).
        names: The names of all targets.

    Raises:
        TwinnetError: If there is no such format.
    """

    def __init__(self, file: TextIO, form: str, names: Sequence[str]) -> None:
        if form not in FORMATS:
            raise unknown_name("format of boxes", form, FORMATS)
        self.file = file
        self.form = form
        self.names = names
        self._lines = 0
        self._latest = ""

    def add(self, hit: Hit) -> None:
        """Write a hit. Where lines have no number, the frames left out before it have its box too."""
        if self.form == "csv" and not self._lines:
            print(HEADER + (",target" if len(self.names) > 1 else ""), file=self.file)
        self._latest = self._line(hit)
        self._repeat(hit.frame + 1 - self._lines if self.form == "otb" else 1)

    def finish(self, frames: int) -> None:
        """Where lines have no number, give the frames that were left out at the end the last box."""
        if self.form == "otb" and self._lines:
            self._repeat(frames - self._lines)

    def _repeat(self, times: int) -> None:
        self.file.write(f"{self._latest}\n" * times)
        self._lines += max(times, 0)

    def _line(self, hit: Hit) -> str:
        x, y, w, h = hit.box
        if self.form == "otb":
            return f"{x + 1:.3f},{y + 1:.3f},{w:.3f},{h:.3f}"
        if self.form == "mot":
            number = self.names.index(hit.target) + 1
            return f"{hit.frame + 1},{number},{x + 1:.3f},{y + 1:.3f},{w:.3f},{h:.3f},{hit.score:.4f},-1,-1,-1"
        columns = f"{hit.frame},{x:.3f},{y:.3f},{w:.3f},{h:.3f},{hit.score:.4f},{int(hit.lost)}"
        return columns + (f",{hit.target}" if len(self.names) > 1 else "")
