"""What a network learns from on Omniglot: pairs of drawings as in the trials that it will be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from twinnet.image.decoding import Pixels
from twinnet.image.omniglot import Drawings, character_grid


@dataclass(frozen=True)
class Episodes:
    """Pairs of drawings of one character, in episodes as in Lake's trials: left by one drawer, right by another.

    Attributes:
        left: Pictures.
        right: Pictures of the same characters.
        characters: The character of each pair, as "alphabet/character/orientation".
        alphabets: The alphabet of each pair, as "alphabet/orientation".
        drawers: The two drawers of each pair.
    """

    left: list[Pixels]
    right: list[Pixels]
    characters: list[str]
    alphabets: list[str]
    drawers: list[str]


def episodes(drawings: Drawings, count: int, seed: int = 0) -> Episodes:
    """Episodes of every alphabet in eight orientations, turned and mirrored, which make other characters of it.

    Args:
        drawings: What to draw from.
        count: Episodes of each alphabet and orientation, each of another pair of drawers.
        seed: Of the random draw.
    """
    rng = np.random.default_rng(seed)
    found = Episodes([], [], [], [], [])
    for orientation in range(8):
        turned = [_oriented(picture, orientation) for picture in drawings.pictures]
        for name in sorted(set(drawings.alphabets.tolist())):
            grid = character_grid(drawings, name)
            characters = [f"{character}/{orientation}" for character in drawings.characters[grid[:, 0]]]
            pairs = rng.permutation(list(combinations(range(grid.shape[1]), 2)))[:count]
            for one, other in pairs.tolist():
                found.left.extend(turned[row] for row in grid[:, one])
                found.right.extend(turned[row] for row in grid[:, other])
                found.characters.extend(characters)
                found.alphabets.extend([f"{name}/{orientation}"] * len(grid))
                found.drawers.extend([f"{one}, {other}"] * len(grid))
    return found


def _oriented(picture: Pixels, orientation: int) -> Pixels:
    turned = np.rot90(picture, orientation % 4)
    return turned[:, ::-1] if orientation >= 4 else turned
