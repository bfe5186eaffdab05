"""Identification, one against many: is the right person at the top, and is a stranger nobody?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.evaluation.intervals import error_rate

Floats = npt.NDArray[np.float64]


class Searches:
    """Searches of a gallery: mated ones, for somebody in it, and non-mated ones, for a stranger (ISO/IEC 19795-1).

    Intervals know that the probes of one person depend on each other, so give each stranger a name of its own.

    Args:
        scores: Scores of probes with enrolled items (P, G); larger is closer. A person scores what the best of their
            items scores.
        probes: Who each probe is (P,).
        gallery: Who each enrolled item shows (G,).

    Attributes:
        mated: Whether each probe is of somebody in the gallery (P,).
        people: How many people are in the gallery.

    Raises:
        TwinnetError: If there is no probe, or the scores have another shape.
    """

    def __init__(self, scores: Any, probes: Any, gallery: Any) -> None:
        names, by_person = _by_person(scores, gallery)
        own = _own_columns(names, probes)
        if len(own) != len(by_person) or not len(own):
            raise TwinnetError(f"scores of {len(by_person)} probes and names of {len(own)}: give one name for each")
        self.people = len(names)
        self.mated = own >= 0
        self._who = np.unique(np.asarray(probes), return_inverse=True)[1]
        self._tops = by_person.max(axis=1)
        self._right = np.where(self.mated, by_person[np.arange(len(own)), own], -np.inf)
        self._ranks = (by_person >= self._right[:, None]).sum(axis=1)  # ties count against the right person

    def cmc(self, ranks: int = 10) -> list[dict[str, Any]]:
        """The cumulative match characteristic: how often the right person is among the first r of the gallery.

        Args:
            ranks: The largest r.

        Returns:
            For each r the `rank` and, with counts and intervals, the `rate` of mated probes found.

        Raises:
            TwinnetError: If no probe is of anybody in the gallery.
        """
        self._check("the CMC", strangers=False)
        return [{"rank": r, "rate": self._found(-np.inf, r)} for r in range(1, min(ranks, self.people) + 1)]

    def dir_at_fpir(self, fpir: float, rank: int = 1) -> dict[str, Any]:
        """The detection and identification rate at a false positive identification rate (Grother, Ngan, Hanaoka 2019).

        Args:
            fpir: The share of strangers' probes that may be taken for somebody.
            rank: The right person has to be among so many.

        Returns:
            What `at` gives. The threshold is read off the same probes: it describes a curve and is no operating point.

        Raises:
            TwinnetError: If there are no strangers, no probes of the gallery's people, or the rate is none.
        """
        self._check("DIR at FPIR")
        check_fpir(fpir)
        tops = np.sort(self._tops[~self.mated])[::-1]
        allowed = int(np.floor(fpir * len(tops) + 1e-9))
        return self.at(float(np.nextafter(tops[allowed], np.inf)) if allowed < len(tops) else -np.inf, rank)

    def at(self, threshold: float, rank: int = 1) -> dict[str, Any]:
        """What a threshold gives: `threshold`, and with counts and intervals `fpir` and `dir`.

        Raises:
            TwinnetError: As `dir_at_fpir` does.
        """
        self._check("DIR at FPIR")
        alarms = self._tops[~self.mated] >= threshold
        return {
            "threshold": threshold,
            "fpir": error_rate(alarms, self._clusters(~self.mated)).to_dict(),
            "dir": self._found(threshold, rank),
        }

    def curve(self) -> tuple[Floats, Floats]:
        """FPIR and DIR (rank 1) at every threshold where one of them changes, both rising (T,)."""
        self._check("DIR at FPIR")
        found = np.where(self._ranks <= 1, self._right, -np.inf)[self.mated]
        tops = self._tops[~self.mated]
        thresholds = np.unique(np.concatenate([[np.inf], tops, found[np.isfinite(found)]]))[::-1]
        return _share_above(tops, thresholds), _share_above(found, thresholds)

    def _found(self, threshold: float, rank: int) -> dict[str, float]:
        found = (self._right >= threshold) & (self._ranks <= rank)
        rate = error_rate(found[self.mated], self._clusters(self.mated))
        return {"value": rate.value, "found": rate.errors, "probes": rate.trials, "low": rate.low, "high": rate.high}

    def _clusters(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.stack([self._who[rows]] * 2, axis=1)

    def _check(self, what: str, strangers: bool = True) -> None:
        if not self.mated.any() or (strangers and self.mated.all()):
            needed = "probes of people in the gallery" + (" and probes of strangers" if strangers else "")
            raise TwinnetError(f"{what} needs {needed}")


def _share_above(scores: Floats, thresholds: Floats) -> Floats:
    """The share of scores that reach each threshold (T,)."""
    return (len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")) / len(scores)


def _by_person(scores: Any, gallery: Any) -> tuple[npt.NDArray[Any], Floats]:
    """The people in the gallery, and the best score of each probe with each of them (P, people)."""
    a, people = np.asarray(scores, dtype=np.float64), np.asarray(gallery)
    if a.ndim != 2 or a.shape[1] != len(people):
        raise TwinnetError(f"scores {a.shape} have to be (probes, {len(people)} enrolled items)")
    if not len(people):
        raise TwinnetError("nobody is enrolled: a search takes a gallery with somebody in it")
    if not np.isfinite(a).all():
        raise TwinnetError(f"the scores of probe {int(np.argmin(np.isfinite(a).all(1)))} are not finite")
    names, owner = np.unique(people, return_inverse=True)
    return names, np.stack([a[:, owner == person].max(axis=1) for person in range(len(names))], axis=1)


def _own_columns(names: npt.NDArray[Any], probes: Any) -> npt.NDArray[np.int64]:
    """The column of each probe's person, -1 for strangers."""
    column = {name: position for position, name in enumerate(names.tolist())}
    return np.array([column.get(name, -1) for name in np.asarray(probes).tolist()])


def check_fpir(fpir: float) -> None:
    """Check a false positive identification rate that is asked for.

    Raises:
        TwinnetError: If it is no share from 0 to 1.
    """
    if not 0 <= fpir <= 1:
        raise TwinnetError(f"an FPIR of {fpir}: it is a share from 0 to 1")
