"""Labels without training: each item gets the name that is closest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from twinnet.embeddings import as_rows, is_stored
from twinnet.encoder import Array, Side
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork

PLACE = "{}"


@dataclass(frozen=True)
class Labelled:
    """How well each label fits each item.

    Attributes:
        labels: The labels (L).
        scores: Of each item with each label (N, L); larger is closer.
        probabilities: Of each label for each item (N, L), where the network has learned the scale of its scores, as
            CLIP and SigLIP have; else None.
    """

    labels: tuple[str, ...]
    scores: Array
    probabilities: Array | None

    @property
    def best(self) -> list[str]:
        """The closest label of each item."""
        return [self.labels[column] for column in self.scores.argmax(axis=1)]


def label(
    network: TwinNetwork,
    items: Any,
    labels: Sequence[str],
    *,
    prompts: Sequence[str] = (PLACE,),
    side: Side = "right",
    **options: Any,
) -> Labelled:
    """Choose among labels that the network was not trained on, by their names (zero-shot classification).

    Args:
        network: A network of text, or a half-twin of text and something else.
        items: Items to label, or their embeddings.
        labels: The names to choose from.
        prompts: Texts in which {} stands for the name, as in "a photo of a {}"; several are averaged as embeddings
            (Radford et al. 2021, section 3.1.4, https://arxiv.org/abs/2103.00020).
        side: The side of a half-twin that the items belong to; the names are embedded by the other.
        **options: As for `encode`, for the items.

    Raises:
        TwinnetError: If there are no labels, one occurs twice, or a prompt has no {}.
    """
    labels = labels if isinstance(labels, str) else list(labels)
    width = {"truncate_dim": options.get("truncate_dim")}
    names = _named(network, labels, prompts, "left" if side == "right" else "right", **width)
    rows = as_rows(items) if is_stored(items) else np.atleast_2d(network.encode(items, side=side, **options))
    scores = network.similarity(names, rows, **width).T if side == "right" else network.similarity(rows, names, **width)
    probabilities = network.distance.probabilities(torch.from_numpy(scores))
    return Labelled(tuple(labels), scores, None if probabilities is None else probabilities.detach().numpy())


def _named(network: TwinNetwork, labels: Sequence[str], prompts: Sequence[str], side: Side, **width: Any) -> Array:
    """The embeddings of labels (L, D)."""
    names = not isinstance(labels, str) and all(isinstance(name, str) for name in labels)
    if not names or len(labels) == 0 or len(set(labels)) < len(labels):
        raise TwinnetError(f"labels are {labels!r}: give a list of different names")
    without = [prompt for prompt in prompts if PLACE not in prompt]
    if isinstance(prompts, str) or without or not prompts:
        raise TwinnetError(f"prompts are {prompts!r}: give a list of texts, each with {PLACE} for the name")
    texts = [prompt.replace(PLACE, name) for prompt in prompts for name in labels]
    of_angles = network.distance.index_metric == "cosine"
    rows = network.encode(texts, side=side, normalize=of_angles and len(prompts) > 1, progress=False, **width)
    averaged: Array = rows.reshape(len(prompts), len(labels), -1).mean(axis=0)
    return averaged
