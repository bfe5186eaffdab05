"""Koch's two figures on Omniglot: verification of pairs, and 20-way one-shot classification."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from twinnet.distances import Distance
from twinnet.evaluation.curves import error_curve
from twinnet.image.omniglot import Drawings, KochSplit, Rows, one_shot_trials, verification_pairs
from twinnet.network import TwinNetwork

PAIRS = 10_000
MANY = 100  # Lake's trials are few: as many repetitions give a figure with little noise beside them

Array = npt.NDArray[Any]


def omniglot_figures(network: TwinNetwork, split: KochSplit) -> dict[str, float]:
    """The figures of a network on the test part; the threshold of verification is chosen on drawings of `unseen`.

    Returns:
        `verification`: accuracy on 10,000 pairs; `one_shot`: accuracy in the 400 trials of the paper; and
        `one_shot_many`: in fifty times as many.
    """
    unseen, test = (network.encode(part.pictures) for part in (split.unseen, split.test))
    return _figures(unseen, test, _on_cpu(network.distance), split)


def ink_figures(split: KochSplit) -> dict[str, float]:
    """The same figures of a feature that knows nothing: how much ink there is."""
    from twinnet.distances.minkowski import Euclidean

    unseen, test = (_ink(part) for part in (split.unseen, split.test))
    return _figures(unseen, test, Euclidean(), split)


def dev_figures(network: TwinNetwork, split: KochSplit) -> dict[str, float]:
    """One-shot accuracy on the validation part, by which a run is chosen."""
    rows = network.encode(split.dev.pictures)
    return {"one_shot": _one_shot(rows, _on_cpu(network.distance), one_shot_trials(split.dev, 20, seed=1))}


def _figures(unseen: Array, test: Array, distance: Distance, split: KochSplit) -> dict[str, float]:
    scores, labels = _verify(unseen, distance, split.unseen, seed=1)
    threshold = _best_threshold(scores, labels)
    scores, labels = _verify(test, distance, split.test, seed=0)
    return {
        "verification": float(((scores >= threshold) == labels).mean()),
        "one_shot": _one_shot(test, distance, one_shot_trials(split.test)),
        "one_shot_many": _one_shot(test, distance, one_shot_trials(split.test, MANY, seed=1)),
    }


def _verify(rows: Array, distance: Distance, part: Drawings, seed: int) -> tuple[Array, Array]:
    left, right, labels = verification_pairs(part, PAIRS, seed)
    with torch.inference_mode():
        scores = distance.to_score(distance.pairwise(_tensor(rows[left]), _tensor(rows[right])))
    return scores.numpy(), labels.astype(bool)


def _best_threshold(scores: Array, labels: Array) -> float:
    """The score from which on "same" is said, with the fewest errors."""
    curve = error_curve(scores, labels)
    errors = curve.fmr * (~labels).sum() + curve.fnmr * labels.sum()
    return float(curve.thresholds[np.argmin(errors)])


def _one_shot(rows: Array, distance: Distance, trials: Iterable[tuple[Rows, Rows]]) -> float:
    right = []
    for items, support in trials:
        with torch.inference_mode():
            scores = distance.to_score(distance.matrix(_tensor(rows[items]), _tensor(rows[support])))
        right.append((scores.argmax(1).numpy() == np.arange(len(items))).mean())
    return float(np.mean(right))


def _ink(part: Drawings) -> Array:
    return np.array([[(picture < 128).mean()] for picture in part.pictures], dtype=np.float32)


def _on_cpu(distance: Distance) -> Distance:
    """A distance where the embeddings are."""
    moved: Distance = copy.deepcopy(distance).cpu()
    return moved


def _tensor(rows: Array) -> torch.Tensor:
    return torch.from_numpy(rows)
