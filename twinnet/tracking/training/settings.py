"""How pairs are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from twinnet.errors import TwinnetError

# One more than a multiple of every stride up to 32, so that cells of all depths lie on each other. Smaller search crops
# than in use show as much for their time.
EXEMPLAR_SIZE = 129
SEARCH_SIZE = 193


@dataclass(frozen=True)
class PairSettings:
    """How pairs are drawn.

    Attributes:
        exemplar_size: The side of an exemplar crop.
        search_size: The side of a search crop.
        shift: How far from the middle a target may be, in pixels of the crop, on each axis.
        scale: The largest log factor of its size, on both axes alike; two thirds of it on each axis alone.
        absent: Share of the pairs whose target is not in the search crop.
        pasted: Share of the crops with an outlined target that show it on another background.
        distractors: Share of the search crops with something else pasted beside the target.
        covered: Share of the search crops whose target is partly hidden.
        grey: Share of the pairs without colour.
        gap: Frames between exemplar and search crop at most.
        renewed: Share of the pairs with a recent look, as a tracker with a memory has it.
        recent: Frames between that look and the search crop at most.
        drift: How far off the box of that look is, as a share of the target's sides (standard deviation).
    """

    exemplar_size: int = EXEMPLAR_SIZE
    search_size: int = SEARCH_SIZE
    shift: float = 56.0
    scale: float = 0.3
    absent: float = 0.15
    pasted: float = 0.5
    distractors: float = 0.3
    covered: float = 0.15
    grey: float = 0.08
    gap: int = 60
    renewed: float = 0.6
    recent: int = 10
    drift: float = 0.05

    @classmethod
    def reaching(cls, exemplar_size: int, search_size: int) -> Self:
        """Settings whose targets may be nearly as far from the middle as the search crop lets them be found.

        Raises:
            TwinnetError: If the search crop is too small for that.
        """
        if search_size < exemplar_size + 16:
            raise TwinnetError(f"search crops of {search_size} pixels leave no room around {exemplar_size}: take more")
        return cls(exemplar_size, search_size, shift=(search_size - exemplar_size) / 2 + 24)
