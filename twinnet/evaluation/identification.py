"""Identification, one against many: is the right person at the top, and is a stranger nobody?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.evaluation.intervals import error_rate

Floats = npt.NDArray[np.float64]


def cmc(scores: Any, probes: Any, gallery: Any, ranks: int = 10) -> list[dict[str, Any]]:
    """The cumulative match characteristic: how often the right person is among the first r of the gallery.

    Args:
        scores: Scores of probes with enrolled images (P, G); larger is closer. A person scores what the best
            of their images scores.
        probes: Who each probe is (P,); all of them are in the gallery.
        gallery: Who each enrolled image shows (G,).
        ranks: The largest r.

    Returns:
        For each r the `rank` and, with counts and intervals, the `rate` of probes found.

    Raises:
        TwinnetError: If a probe is of nobody in the gallery.
    """
    names, by_person = _by_person(scores, gallery)
    own = _own_columns(names, probes)
    if (own < 0).any():
        raise TwinnetError(f"probe {int(np.argmax(own < 0))} shows nobody of the gallery: use dir_at_fpir")
    rank = _ranks(by_person, own)
    return [{"rank": r, "rate": error_rate(rank <= r).to_dict()} for r in range(1, min(ranks, len(names)) + 1)]


def dir_at_fpir(scores: Any, probes: Any, gallery: Any, fpir: float, rank: int = 1) -> dict[str, Any]:
    """The detection and identification rate at a false positive identification rate (Grother, Ngan and Hanaoka 2019).

    Args:
        scores: As in `cmc`.
        probes: Who each probe is (P,); those of nobody in the gallery measure the FPIR.
        gallery: Who each enrolled image shows (G,).
        fpir: The share of such strangers that may be taken for somebody.
        rank: The right person has to be among so many.

    Returns:
        `threshold`, and with counts and intervals `fpir` and `dir`. The threshold is read off the same probes: it
        describes a curve and is no operating point.

    Raises:
        TwinnetError: If there are no strangers, or no probes of the gallery's people.
    """
    names, by_person = _by_person(scores, gallery)
    own = _own_columns(names, probes)
    known = own >= 0
    if known.all() or not known.any():
        raise TwinnetError("DIR at FPIR needs probes of people in the gallery and probes of strangers")
    tops = np.sort(by_person[~known].max(axis=1))[::-1]
    allowed = int(np.floor(fpir * len(tops) + 1e-9))
    threshold = float(np.nextafter(tops[allowed], np.inf)) if allowed < len(tops) else -np.inf
    right = by_person[known, own[known]] >= threshold
    found = right & (_ranks(by_person[known], own[known]) <= rank)
    return {
        "threshold": threshold,
        "fpir": error_rate(tops >= threshold).to_dict(),
        "dir": error_rate(found).to_dict(),
    }


def _by_person(scores: Any, gallery: Any) -> tuple[npt.NDArray[Any], Floats]:
    """The people in the gallery, and the best score of each probe with each of them (P, people)."""
    a, people = np.asarray(scores, dtype=np.float64), np.asarray(gallery)
    if a.ndim != 2 or a.shape[1] != len(people):
        raise TwinnetError(f"scores {a.shape} have to be (probes, {len(people)} enrolled images)")
    names, owner = np.unique(people, return_inverse=True)
    return names, np.stack([a[:, owner == person].max(axis=1) for person in range(len(names))], axis=1)


def _own_columns(names: npt.NDArray[Any], probes: Any) -> npt.NDArray[np.int64]:
    """The column of each probe's person, -1 for strangers."""
    column = {name: position for position, name in enumerate(names.tolist())}
    return np.array([column.get(name, -1) for name in np.asarray(probes).tolist()])


def _ranks(by_person: Floats, own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rank of the right person, ties being counted against it."""
    right = by_person[np.arange(len(own)), own]
    ranks: npt.NDArray[np.int64] = (by_person >= right[:, None]).sum(axis=1)
    return ranks
