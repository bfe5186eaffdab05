"""Development data and the data of a report have to be different; a fingerprint of the former makes sure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from twinnet.errors import TwinnetError
from twinnet.operating_point import Development, OperatingPoint

SAMPLE = 256
# Public data sets hold a few pairs twice.
TOLERATED = 2


def development(scores: Any, labels: Any, source: str, keys: Iterable[str] = ()) -> Development:
    """The fingerprint of development data.

    Args:
        scores: Scores of the pairs (N,).
        labels: 1 for the same, 0 for different (N,).
        source: What the data are, in words.
        keys: A hash of the items of each pair, as hexadecimal text.
    """
    return Development(source, _digest(scores, labels), tuple(sorted(set(keys))[:SAMPLE]))


def check_separate(point: OperatingPoint, scores: Any, labels: Any, keys: Iterable[str] = ()) -> None:
    """Refuse to report on the data that the operating point was chosen on.

    Raises:
        TwinnetError: If these are the same scores and labels, or if the data share pairs.
    """
    known = point.development
    shared = len(set(known.pairs) & set(keys))
    if known.digest == _digest(scores, labels) or shared > TOLERATED:
        share = f" ({shared} of a sample of {len(known.pairs)} pairs are in both)" if shared else ""
        raise TwinnetError(
            f"the operating point was chosen on these data{share}, so its error rates on them prove nothing: report on "
            f"other data than {known.source}"
        )


def _digest(scores: Any, labels: Any) -> str:
    rows = np.stack([np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)])
    return hashlib.sha256(rows[:, np.lexsort(rows)].tobytes()).hexdigest()
