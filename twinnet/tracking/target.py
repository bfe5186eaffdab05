"""What belongs to one target and not to the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinnet.boxes import Boxes, clamp, from_centres
from twinnet.tracking.look import Look


@dataclass
class Target:
    """A target that is followed.

    Attributes:
        exemplar: What it is recognised by.
        first: What it looked like when it began.
        recent: What it looked like lately.
        centre: Its middle in the frame.
        size: Its present width and height.
        first_size: Those that it began with.
        border: The colour that stands for what lies outside the frame.
        frame_size: Width and height of the frame.
        score: How close the exemplar was to what was found last.
        lost: Whether the score was below the threshold.
        gone: Whether it was far below; then place and size are those from before.
        age: How many frames it was followed.
        bare: Whether the exemplar is a picture without surroundings, which no search region can match fully.
        scores: The similarity map of the last search region (H', W'), for pictures of it.
        reach: The side of that map in pixels of the frame.
        map_centre: Its middle in the frame.
    """

    exemplar: Look
    first: Look
    recent: Look
    centre: Boxes
    size: Boxes
    first_size: Boxes
    border: tuple[float, ...]
    frame_size: tuple[int, int]
    score: float = 1.0
    lost: bool = False
    gone: bool = False
    age: int = 0
    bare: bool = False
    scores: npt.NDArray[np.float32] | None = None
    reach: float = 0.0
    map_centre: Boxes | None = None

    @property
    def whole(self) -> Boxes:
        """The box, whether or not all of it lies in the frame."""
        return from_centres(self.centre, self.size)

    @property
    def box(self) -> Boxes:
        """The part of the box that lies in the frame."""
        return clamp(self.whole, *self.frame_size)

    def learn(self, look: Look, pace: float, memory: float) -> None:
        """Take in what it looks like now.

        Args:
            look: What it looks like.
            pace: How far the recent look goes towards it.
            memory: The share of the recent look in what it is recognised by; the rest is its first look.
        """
        self.recent = self.recent.towards(look, pace)
        self.exemplar = self.first.towards(self.recent, memory)

    def move(self, centre: Boxes, size: Boxes, smallest: float, largest: float) -> None:
        """Take a new place and size. The middle stays in the frame and the size within its limits."""
        self.centre = np.clip(centre, 0, self.frame_size)
        self.size = np.clip(size, smallest * self.first_size, largest * self.first_size)
