"""Pairs of an exemplar and a search crop, each a function of the seed and its row alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar, overload

import numpy as np

from twinnet.data.examples import Examples
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.supervision import Supervision
from twinnet.tracking.look import RECENT
from twinnet.tracking.training import views
from twinnet.tracking.training.settings import PairSettings
from twinnet.tracking.training.subjects import Pictures, Sighting, Subject
from twinnet.tracking.training.views import Box, Matrix, Placement, Random

T = TypeVar("T")


@dataclass(frozen=True)
class Pair:
    """An exemplar, a search crop, and where the target is.

    Attributes:
        exemplar: uint8 (E, E, 3), the target in the middle.
        search: uint8 (S, S, 3).
        recent: uint8 (E, E, 3), the target shortly before or after the search crop, in a box that is a little off; the
            exemplar itself where there is no such look.
        target: The box in the search crop (x, y, w, h; w = h = 0 where the target is absent), and the target's width
            and height in the exemplar crop, between both where there are two.
    """

    exemplar: Pixels
    search: Pixels
    recent: Pixels
    target: tuple[float, ...]


class TrackingPairs:
    """Draws pairs from subjects.

    Args:
        groups: Kinds of subjects, each with the share of pairs that are drawn from it.
        settings: How pairs are drawn.
        seed: Of all draws.

    Raises:
        TwinnetError: If there are fewer than two subjects.
    """

    def __init__(
        self, groups: Sequence[tuple[float, Sequence[Subject]]], settings: PairSettings | None = None, seed: int = 0
    ) -> None:
        self.groups = [(share, subjects) for share, subjects in groups if subjects]
        if sum(len(subjects) for _, subjects in self.groups) < 2:
            raise TwinnetError("training a tracker needs two targets or more, to tell them apart")
        shares = np.array([share for share, _ in self.groups])
        self.shares = shares / shares.sum()
        self.settings = settings or PairSettings()
        self.seed = seed
        self.outlined = [s for _, subjects in self.groups for x in subjects for s in x.sightings[:1] if s.mask]
        self.pictures = Pictures()
        self.pair = lru_cache(maxsize=256)(self._pair)

    def __reduce__(self) -> tuple[Any, ...]:
        """How a worker process gets them: what they are made of, without what is cached."""
        return type(self), (self.groups, self.settings, self.seed)

    def examples(self, rows: int) -> Examples:
        """The first `rows` pairs as training examples."""
        columns = tuple(_Rows(self, rows, name) for name in ("exemplar", "search", "recent"))
        return Examples(columns, _Rows(self, rows, "target"), Supervision.LOCATED_PAIRS)

    def _pair(self, row: int) -> Pair:
        rng = np.random.default_rng([self.seed, row])
        subject = self._subject(rng)
        absent = rng.random() < self.settings.absent
        shown, sought, lately = self._sightings(subject, rng)
        if absent:
            other = self._subject(rng)
            absent = other is not subject
            sought = _any(other.sightings, rng)
        flip = bool(rng.random() < 0.5)
        exemplar, inner = self._exemplar(shown, flip, rng)
        search, box = self._search(sought, flip, rng)
        recent = exemplar
        size: tuple[float, ...] = inner[2:]
        if rng.random() < self.settings.renewed:
            recent, seen = self._exemplar(replace(lately, box=_off(lately.box, self.settings.drift, rng)), flip, rng)
            size = tuple(one + RECENT * (other - one) for one, other in zip(size, seen[2:], strict=True))
        if rng.random() < self.settings.grey:
            exemplar, search, recent = map(views.greyed, (exemplar, search, recent))
        return Pair(exemplar, search, recent, (*((0.0,) * 4 if absent else box), *size))

    def _exemplar(self, sighting: Sighting, flip: bool, rng: Random) -> tuple[Pixels, Box]:
        size = self.settings.exemplar_size
        matrix = views.to_crop(sighting.box, size, size, Placement(flip=flip))
        crop = self._show(sighting, matrix, size, rng)
        return views.disturb(crop, rng, 0.5), views.moved(sighting.box, matrix)

    def _search(self, sighting: Sighting, flip: bool, rng: Random) -> tuple[Pixels, Box]:
        s = self.settings
        both, x, y = s.scale * rng.uniform(-1, 1, 3)
        placement = Placement(
            (float(rng.uniform(-s.shift, s.shift)), float(rng.uniform(-s.shift, s.shift))),
            (float(np.exp(both + x * 2 / 3)), float(np.exp(both + y * 2 / 3))),
            flip,
        )
        matrix = views.to_crop(sighting.box, s.search_size, s.exemplar_size, placement)
        box = views.moved(sighting.box, matrix)
        crop = self._show(sighting, matrix, s.search_size, rng)
        if self.outlined and rng.random() < s.distractors:
            crop = self._distract(crop, box, rng)
        if rng.random() < s.covered:
            crop = views.cover(crop, box, self._background(s.exemplar_size, rng), rng)
        return views.disturb(crop, rng), box

    def _show(self, sighting: Sighting, matrix: Matrix, size: int, rng: Random) -> Pixels:
        """The target in its own surroundings, or cut out and put in others."""
        if sighting.mask is not None and rng.random() < self.settings.pasted:
            return views.paste(self.pictures, sighting, matrix, self._background(size, rng))
        return views.cut(self.pictures, sighting, matrix, size)

    def _distract(self, crop: Pixels, box: Box, rng: Random) -> Pixels:
        """Something else beside the target, off its middle by a box's side or more."""
        s = self.settings
        angle = rng.uniform(0, 2 * np.pi)
        away = np.array([np.cos(angle) * box[2], np.sin(angle) * box[3]]) * rng.uniform(1.0, 1.8)
        shift = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2]) + away - s.search_size / 2
        sighting = _any(self.outlined, rng)
        grown = float(np.exp(rng.uniform(-0.3, 0.2)))
        placement = Placement((float(shift[0]), float(shift[1])), (grown, grown), bool(rng.random() < 0.5))
        matrix = views.to_crop(sighting.box, s.search_size, s.exemplar_size, placement)
        return views.paste(self.pictures, sighting, matrix, crop)

    def _background(self, size: int, rng: Random) -> Pixels:
        """A piece of another picture."""
        frame = self.pictures.colour(_any(self._subject(rng).sightings, rng).picture)
        side = float(min(frame.shape[:2]) * rng.uniform(0.5, 1.0))
        left, top = (rng.uniform(0, max(length - side, 1e-3)) for length in frame.shape[1::-1])
        scale = size / side
        return views.warp(frame, np.array([[scale, 0, -left * scale], [0, scale, -top * scale]]), size, (0, 0, 0))

    def _subject(self, rng: Random) -> Subject:
        _, subjects = self.groups[rng.choice(len(self.groups), p=self.shares)]
        return _any(subjects, rng)

    def _sightings(self, subject: Subject, rng: Random) -> tuple[Sighting, Sighting, Sighting]:
        """Two sightings of a target, near or far apart in time, and one near the second; perhaps the same ones."""
        count = len(subject.sightings)
        places = [int(rng.integers(count))]
        for apart in (self.settings.gap, self.settings.recent):
            near = max(0, places[-1] - apart), min(count, places[-1] + apart + 1)
            places.append(int(rng.integers(*near)))
        first, second, third = (subject.sightings[place] for place in places)
        return first, second, third


def _any(things: Sequence[T], rng: Random) -> T:
    return things[int(rng.integers(len(things)))]


def _off(box: Box, by: float, rng: Random) -> Box:
    """A box that is off in place and size by such shares of its sides."""
    x, y, w, h = box
    grown = np.exp(by * (rng.normal() + rng.normal(size=2)))
    middle = np.array([x + w / 2, y + h / 2]) + by * rng.normal(size=2) * (w, h)
    size = grown * (w, h)
    left, top = middle - size / 2
    return float(left), float(top), float(size[0]), float(size[1])


class _Rows(Sequence[Any]):
    """One side of the pairs."""

    def __init__(self, pairs: TrackingPairs, rows: int, field: str) -> None:
        self.pairs = pairs
        self.rows = rows
        self.field = field

    def __len__(self) -> int:
        return self.rows

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(self.rows))]
        if not 0 <= row < self.rows:
            raise IndexError(row)
        return getattr(self.pairs.pair(int(row)), self.field)

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(self.rows))
