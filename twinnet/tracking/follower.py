"""Targets through a whole video: followed while they are seen, looked for while they are lost."""

from __future__ import annotations

from collections.abc import Sequence

from twinnet.image.decoding import Pixels
from twinnet.tracking.search import FACTORS, find
from twinnet.tracking.target import Target
from twinnet.tracking.tracker import Tracker

# A target that is hardly seen where it was is more likely there than where something else looks like it, for so many
# frames. One in which it is gone counts as several.
PATIENCE = 30
GONE = 6


class Follower:
    """Follows targets, and looks over the whole frame for those that are lost for some time.

    A search of the whole frame costs as much as many frames, so each frame tries one size, the present one first.

    Args:
        tracker: The tracker.
        targets: What its `start` gave.
        redetect: Whether lost targets are looked for in the whole frame, and not only where they were last.
    """

    def __init__(self, tracker: Tracker, targets: Sequence[Target], *, redetect: bool = True) -> None:
        self.tracker = tracker
        self.targets = list(targets)
        self.redetect = redetect
        self._tries: dict[int, int] = {}
        self._lost: dict[int, int] = {}

    def follow(self, frame: Pixels) -> None:
        """Move all targets to where they are in the next frame."""
        self.tracker.follow(frame, [target for target in self.targets if not target.bare])
        for number, target in enumerate(self.targets):
            if target.bare:  # what a picture shows was not found yet, so that it has no place to be followed from
                self._look_for(frame, number, target)
                continue
            if not target.lost:
                self._tries.pop(number, None)
                self._lost.pop(number, None)
                continue
            self._lost[number] = self._lost.get(number, 0) + (GONE if target.gone else 1)
            if self.redetect and self._lost[number] >= PATIENCE:
                self._look_for(frame, number, target)

    def _look_for(self, frame: Pixels, number: int, target: Target) -> None:
        tried = self._tries.get(number, 0)
        self._tries[number] = tried + 1
        found = find(self.tracker, frame, target, [FACTORS[tried % len(FACTORS)]])
        if found is not None and not found.lost:
            self.targets[number] = found
            self.tracker.see(frame, found)
