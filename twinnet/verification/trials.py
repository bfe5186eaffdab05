"""Comparisons to be scored: which item is compared with which, and whether both are of one identity."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twinnet.data.classes import Rows, rows_by_class
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork
from twinnet.operating_point import Rule
from twinnet.verdict import score_against

Scores = npt.NDArray[np.float64]
BLOCK = 65_536
MOST_IMPOSTORS = 1_000_000


@dataclass(frozen=True)
class Trials:
    """Comparisons of one item with one reference, or with several of one identity.

    Attributes:
        items: The different items (M).
        probes: The item of each trial (N,), as a position in `items`.
        references: The items it is compared with (N, R).
        same: Whether they are of one identity (N,).
        owners: The identity of each item (M,), as a number.
        source: Where they come from, for messages.
    """

    items: Sequence[Any]
    probes: Rows
    references: Rows
    same: npt.NDArray[np.bool_]
    owners: Rows
    source: str

    @property
    def identities(self) -> Rows:
        """Who takes part in each trial (N, 2)."""
        return np.stack([self.owners[self.probes], self.owners[self.references[:, 0]]], axis=1)

    def keys(self) -> Iterator[str]:
        """A hash of the content of each trial's items, the same whichever way round they stand."""
        digests = [_digest(item) for item in self.items]
        for probe, references in zip(self.probes.tolist(), self.references.tolist(), strict=True):
            members = sorted([digests[probe], *(digests[reference] for reference in references)])
            yield hashlib.sha256("".join(members).encode()).hexdigest()[:16]

    def scores(self, network: TwinNetwork, rule: Rule = "mean", progress: bool | None = None) -> Scores:
        """The score of each trial (N,); each item is embedded once for each side.

        Args:
            network: What embeds and compares.
            rule: How the scores of several references become one.
            progress: Whether to show a bar; unless given, only on a terminal.

        Raises:
            TwinnetError: If an item cannot be taken; the message names it.
        """
        left = network.encode(self.items, progress=progress)
        right = left if network.other is None else network.encode(self.items, side="right", progress=progress)
        return self.compare(network, left, right, rule)

    def compare(self, network: TwinNetwork, left: Any, right: Any, rule: Rule = "mean") -> Scores:
        """The score of each trial (N,), from the embeddings of the items (M, D) for each side."""
        scores = np.empty(len(self.probes), dtype=np.float64)
        block = max(1, BLOCK // self.references.shape[1])
        for start in range(0, len(scores), block):
            rows = slice(start, start + block)
            scores[rows] = score_against(network, left[self.probes[rows]], right[self.references[rows]], rule)
        return scores


def trials_of_searches(items: Sequence[Any], owners: Sequence[Any], source: str, probes: Rows, gallery: Rows) -> Trials:
    """Each probe (P) with each enrolled item (G), as rows of the items, or the first million of these trials."""
    numbers = np.unique(np.asarray(owners), return_inverse=True)[1]
    most = MOST_IMPOSTORS // len(gallery) + 1
    left, right = np.repeat(probes[:most], len(gallery)), np.tile(gallery, len(probes[:most]))
    return Trials(items, left, right[:, None], numbers[left] == numbers[right], numbers, source)


def trials_of_pairs(columns: Sequence[Sequence[Any]], labels: Sequence[int], source: str) -> Trials:
    """Trials of listed pairs. Items that are the same by a label belong to one identity.

    Args:
        columns: The items (N) on the left, and those of one or more references.
        labels: 1 for the same, 0 for different (N).
        source: Where they come from.
    """
    different = {_identity(item): item for column in columns for item in column}
    place = {identity: row for row, identity in enumerate(different)}
    rows = np.array([[place[_identity(item)] for item in column] for column in columns]).T
    same = np.asarray(labels, dtype=bool)
    owners = _joined(len(place), rows, same)
    return Trials(list(different.values()), rows[:, 0], rows[:, 1:], same, owners, source)


def trials_of_identities(
    items: Sequence[Any], owners: Sequence[Any], source: str, references: int = 1, seed: int = 0
) -> Trials:
    """All pairs within identities, and those across them (a random million where there are more).

    With several references, random items of an identity are its references, and all others are compared with them.

    Args:
        items: The items (M).
        owners: Who or what each shows (M).
        source: Where they come from.
        references: How many references of one identity there are in a trial.
        seed: Of the random draws.

    Raises:
        TwinnetError: If there are fewer than two identities, or none has enough items.
    """
    names, numbers = np.unique(np.asarray(owners), return_inverse=True)
    sizes = np.bincount(numbers)
    if len(names) < 2 or sizes.max() <= references:
        raise TwinnetError(
            f"{source}: {len(names)} identities with at most {sizes.max()} items: pairs need two identities, and one "
            f"with {references + 1} items or more"
        )
    rng = np.random.default_rng(seed)
    if references == 1:
        pairs = _pairs(numbers, rng)
        probes, enrolled = pairs[:, 0], pairs[:, 1:]
    else:
        members = [rng.permutation(rows) for rows in rows_by_class(numbers)]
        kept = [np.sort(rows[:references]) for rows in members if len(rows) > references]
        used = np.concatenate(kept)
        others = np.setdiff1d(np.arange(len(items)), used)
        probes = np.tile(others, len(kept))
        enrolled = np.repeat(np.stack(kept), len(others), axis=0)
    same = numbers[probes] == numbers[enrolled[:, 0]]
    return Trials(items, probes, enrolled, same, numbers, source)


def _pairs(numbers: Rows, rng: np.random.Generator) -> Rows:
    """Pairs (N, 2) of positions: all within identities, and those across them, or `MOST_IMPOSTORS` of those."""
    count = len(numbers)
    if count * (count - 1) // 2 <= MOST_IMPOSTORS:
        return np.stack(np.triu_indices(count, 1), axis=1)
    genuine = [rows[np.stack(np.triu_indices(len(rows), 1), axis=1)] for rows in rows_by_class(numbers)]
    drawn = np.unique(np.sort(rng.integers(count, size=(2 * MOST_IMPOSTORS, 2)), axis=1), axis=0)
    across = drawn[numbers[drawn[:, 0]] != numbers[drawn[:, 1]]]
    return np.concatenate([*genuine, rng.permutation(across)[:MOST_IMPOSTORS]])


def _joined(count: int, rows: Rows, same: npt.NDArray[np.bool_]) -> Rows:
    """Identities of items: those that genuine pairs join, and the references of one trial."""
    links = [np.stack([rows[same, 0], rows[same, 1]])]
    links += [np.stack([rows[:, 1], rows[:, column]]) for column in range(2, rows.shape[1])]
    first, second = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    owners: Rows = connected_components(graph, directed=False)[1].astype(np.int64)
    return owners


def _identity(item: Any) -> Hashable:
    """What tells whether items are one: themselves, or their content where they are compared by it."""
    return item if isinstance(item, Hashable) and not isinstance(item, tuple) else _digest(item)


def _digest(item: Any) -> str:
    """A hash of the content: of a file, pixels, bytes or text, or of all parts of a tuple."""
    if isinstance(item, PathLike) and Path(item).is_file():
        with Path(item).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(_content(item)).hexdigest()


def _content(item: Any) -> bytes:
    if isinstance(item, tuple):
        return "".join(map(_digest, item)).encode()
    if isinstance(item, Image.Image):
        return _content(np.asarray(item))
    if isinstance(item, np.ndarray):
        return f"{item.shape} {item.dtype.str} ".encode() + item.tobytes()
    return item if isinstance(item, bytes) else str(item).encode()
