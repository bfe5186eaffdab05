"""What features reach that know nothing: a network has to be clearly better than they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import decode
from twinnet.verification.trials import Scores, Trials

Floats = npt.NDArray[np.float64]


def trivial_scores(trials: Trials) -> dict[str, Scores]:
    """Scores (N,) of trials by trivial features, larger for closer: the mean over the references of a trial.

    Texts are compared by their length and by the words that they share (Jaccard), pictures by their ink (the share of
    pixels on the dark side of Otsu's threshold), their size, and their mean colour.

    Raises:
        TwinnetError: If a picture cannot be decoded.
    """
    compare = _texts(trials) if isinstance(trials.items[0], str) else _pictures(trials)
    return {name: _mean(scores, trials) for name, scores in compare.items()}


def _mean(score: Callable[[int, int], float], trials: Trials) -> Scores:
    rows = zip(trials.probes.tolist(), trials.references.tolist(), strict=True)
    return np.array([np.mean([score(probe, reference) for reference in references]) for probe, references in rows])


def _texts(trials: Trials) -> Mapping[str, Callable[[int, int], float]]:
    words = [frozenset(str(item).lower().split()) for item in trials.items]
    lengths = [len(str(item)) for item in trials.items]
    return {
        "length": lambda a, b: -float(abs(lengths[a] - lengths[b])),
        "word overlap": lambda a, b: len(words[a] & words[b]) / max(1, len(words[a] | words[b])),
    }


def _pictures(trials: Trials) -> Mapping[str, Callable[[int, int], float]]:
    features = [_features(decode(item, position)) for position, item in enumerate(trials.items)]

    def closeness(name: str) -> Callable[[int, int], float]:
        values = np.stack([feature[name] for feature in features])
        return lambda a, b: -float(np.linalg.norm(values[a] - values[b]))

    return {name: closeness(name) for name in ("ink", "size", "mean colour")}


def _features(pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {
        "ink": np.array([(grey <= threshold).mean()]),
        "size": np.log(pixels.shape[:2]),
        "mean colour": pixels.mean(axis=(0, 1)),
    }
