"""How well a network does on development or test data of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinnet.data.examples import Examples
    from twinnet.losses.base import Loss
    from twinnet.network import TwinNetwork

    Measure = Callable[[TwinNetwork, Examples, Loss], Mapping[str, float]]


def _measure_sts(network: TwinNetwork, examples: Examples, _loss: Loss) -> Mapping[str, float]:
    from twinnet.evaluation.sts import sts

    return sts(network.score(*map(list, examples.columns)), examples.target)


def _measure_classes(network: TwinNetwork, examples: Examples, loss: Any) -> Mapping[str, float]:
    import numpy as np
    import torch

    sides = network.encode(list(examples.columns[0])), network.encode(list(examples.columns[1]), side="right")
    columns = [torch.from_numpy(side).to(network.device) for side in sides]
    with torch.inference_mode():
        said = loss.logits(columns).argmax(1).cpu().numpy()
    return {"pairs": len(examples), "accuracy": float((said == np.asarray(examples.target)).mean())}


def _measure_positives(network: TwinNetwork, examples: Examples, _loss: Loss) -> Mapping[str, float]:
    """Is the positive of each anchor the closest of all positives?"""
    from twinnet.mining.search import search

    items = list(examples.columns[1])
    anchors = network.comparable(network.encode(list(examples.columns[0])))
    positives = network.comparable(network.encode(items, side="right"))
    _, found = search(anchors, positives, 1, network.index_metric)
    right = [items[row] == item for row, item in zip(found[:, 0].tolist(), items, strict=True)]
    return {"pairs": len(examples), "accuracy": sum(right) / len(right)}


def measure_triplets(network: TwinNetwork, examples: Examples, _loss: Loss | None = None) -> Mapping[str, float]:
    """Is the positive closer than the negative?"""
    from twinnet.evaluation.triplets import triplets

    anchors = network.encode(list(examples.columns[0]))
    scores = [network.score(anchors, list(column)) for column in examples.columns[1:3]]
    return triplets(*scores)


MEASURES: dict[str, Measure] = {
    "scored_pairs": _measure_sts,
    "class_pairs": _measure_classes,
    "positive_pairs": _measure_positives,
    "triplets": measure_triplets,
}
