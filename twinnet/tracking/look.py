"""What a target looks like to the network."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from twinnet.boxes import Boxes

# The share of a recent look in an exemplar with which networks learn, and new ones are meant to track.
RECENT = 0.5


@dataclass(frozen=True)
class Look:
    """What a target looks like.

    Attributes:
        map: The map of its exemplar crop (1, C, h, w).
        size: Its width and height in pixels of that crop.
    """

    map: Tensor
    size: Boxes

    def towards(self, other: Look, share: float) -> Look:
        """A mean of two looks, in which the other one counts for `share`."""
        return Look(self.map.lerp(other.map, share), self.size + share * (other.size - self.size))
