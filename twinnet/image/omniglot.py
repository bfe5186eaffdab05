"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015), and the protocol of Koch, Zemel, Salakhutdinov 2015 on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twinnet.archives import members
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels, decode

ARCHIVES = ("images_background.zip", "images_evaluation.zip")
WAYS = 20
# Drawers up to these train a network, and train one whose recipe is settled.
TRAINED, LEARNED = 12, 16

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawings:
    """Drawings of characters.

    Attributes:
        pictures: Grey pictures (105, 105, 1), black on white.
        alphabets: The alphabet of each.
        characters: The character of each, as "alphabet/character".
        drawers: Who of the alphabet's twenty drawers drew each, from 1.
    """

    pictures: list[Pixels]
    alphabets: npt.NDArray[np.str_]
    characters: npt.NDArray[np.str_]
    drawers: Rows

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, mask: npt.NDArray[np.bool_]) -> Drawings:
        """Those where the mask is true."""
        pictures = [self.pictures[row] for row in np.flatnonzero(mask)]
        return Drawings(pictures, self.alphabets[mask], self.characters[mask], self.drawers[mask])

    def joined(self, other: Drawings) -> Drawings:
        """These and others."""
        columns = ("alphabets", "characters", "drawers")
        arrays = [np.concatenate([getattr(self, name), getattr(other, name)]) for name in columns]
        return Drawings([*self.pictures, *other.pictures], *arrays)


@dataclass(frozen=True)
class KochSplit:
    """Koch's parts, disjoint in alphabets and in drawers (section 4.2).

    He takes 30 alphabets and drawers for training, 10 alphabets and 4 drawers for validation, and the last 10 alphabets
    and 4 drawers for testing. He does not say which; here training has the 30 alphabets of Lake's background set and
    drawers 1 to 12, validation the first 10 of Lake's evaluation set by name and drawers 13 to 16, and testing the last
    10 and drawers 17 to 20.

    He also speaks of 40 alphabets for everything but the one-shot trials (section 4.2). A network whose recipe is
    settled may learn from `background`, drawers 1 to 16 of the 40 alphabets that are not tested; what is then unseen of
    these is `unseen`, drawings of the validation alphabets by drawers 17 to 20.
    """

    train: Drawings
    dev: Drawings
    test: Drawings
    background: Drawings
    unseen: Drawings


def read_omniglot(folder: str | PathLike[str]) -> KochSplit:
    """Read `images_background.zip` and `images_evaluation.zip`, and split them.

    Raises:
        TwinnetError: If an archive is missing or damaged, or holds something else.
    """
    background, evaluation = (_read_archive(Path(folder) / name) for name in ARCHIVES)
    names = sorted(set(evaluation.alphabets.tolist()))
    first = np.isin(evaluation.alphabets, names[: len(names) // 2])
    known, new = background.drawers <= LEARNED, evaluation.drawers > LEARNED
    return KochSplit(
        train=background.take(background.drawers <= TRAINED),
        dev=evaluation.take(first & ~new & (evaluation.drawers > TRAINED)),
        test=evaluation.take(~first & new),
        background=background.take(known).joined(evaluation.take(first & ~new)),
        unseen=evaluation.take(first & new),
    )


def oriented(drawings: Drawings) -> tuple[list[Pixels], list[str], list[str]]:
    """The drawings in eight orientations, turned and mirrored: an orientation of a character is another character.

    Returns:
        Pictures, the class of each, as "alphabet/character/orientation", and its group, as "alphabet/orientation".
    """
    pictures, classes, groups = [], [], []
    for orientation in range(8):
        turned = (np.rot90(picture, orientation % 4) for picture in drawings.pictures)
        pictures += [picture[:, ::-1] if orientation >= 4 else picture for picture in turned]
        classes += [f"{character}/{orientation}" for character in drawings.characters]
        groups += [f"{alphabet}/{orientation}" for alphabet in drawings.alphabets]
    return pictures, classes, groups


def verification_pairs(drawings: Drawings, count: int, seed: int = 0) -> tuple[Rows, Rows, Rows]:
    """Pairs of drawings, half of them of one character, the others of two characters of one alphabet.

    Every alphabet has as many pairs; the two drawings of a pair are always by two drawers.

    Returns:
        Rows of the left and of the right drawings, and the labels, 1 = same: three (count,).
    """
    rng = np.random.default_rng(seed)
    alphabets = sorted(set(drawings.alphabets.tolist()))
    grids = [_grid(drawings, name) for name in alphabets]
    left, right, labels = [], [], []
    for number in range(count):
        grid = grids[number // 2 % len(grids)]  # (characters, drawers)
        one, other = rng.choice(grid.shape[1], 2, replace=False)
        same = number % 2 == 0
        a, b = rng.choice(grid.shape[0], 2, replace=False)
        left.append(grid[a, one])
        right.append(grid[a if same else b, other])
        labels.append(int(same))
    return np.array(left), np.array(right), np.array(labels)


def one_shot_trials(drawings: Drawings, repeats: int = 2, seed: int = 0) -> Iterator[tuple[Rows, Rows]]:
    """Lake's 20-way trials within an alphabet (section 4.3): `repeats` times 20 for each alphabet.

    Yields:
        The rows of twenty characters drawn by one drawer, the test items, and by another, among which to find each.
    """
    rng = np.random.default_rng(seed)
    for name in sorted(set(drawings.alphabets.tolist())):
        grid = _grid(drawings, name)
        for _ in range(repeats):
            characters = rng.choice(grid.shape[0], min(WAYS, grid.shape[0]), replace=False)
            one, other = rng.choice(grid.shape[1], 2, replace=False)
            yield grid[characters, one], grid[characters, other]


def _grid(drawings: Drawings, alphabet: str) -> Rows:
    """The rows of an alphabet's drawings (characters, drawers)."""
    rows = np.flatnonzero(drawings.alphabets == alphabet)
    order = rows[np.lexsort((drawings.drawers[rows], drawings.characters[rows]))]
    return order.reshape(len(set(drawings.characters[rows].tolist())), -1)


def _read_archive(path: Path) -> Drawings:
    found = [(_place(match[0], path), picture) for match, picture in members(path, r".*\.png")]
    if not found:
        raise TwinnetError(f"{path} holds no drawings: Omniglot is {' and '.join(ARCHIVES)}")
    alphabets, characters, drawers = zip(*(place for place, _ in found), strict=True)
    return Drawings(
        [decode(picture, grey=True) for _, picture in found],
        np.array(alphabets),
        np.array([f"{alphabet}/{character}" for alphabet, character in zip(alphabets, characters, strict=True)]),
        np.array(drawers),
    )


def _place(name: str, path: Path) -> tuple[str, str, int]:
    """Alphabet, character and drawer of images_background/Greek/character01/0394_01.png."""
    match = re.fullmatch(r"(?:.*/)?([^/]+)/([^/]+)/[^/]*_(\d+)\.png", name)
    if match is None:
        raise TwinnetError(
            f"{path}: {name!r} is not in a character's folder in an alphabet's, or does not end in the number of a "
            "drawer: this is not Omniglot's layout"
        )
    return match[1], match[2], int(match[3])
