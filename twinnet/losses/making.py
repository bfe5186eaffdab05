"""Losses from their specs, told what they ask for."""

from __future__ import annotations

import inspect

from twinnet.distances import Distance
from twinnet.losses.base import Loss
from twinnet.registry import Spec, losses


def make_loss(spec: Spec, distance: Distance | None, dim: int | None, classes: int | None) -> Loss:
    """A loss from its name or a mapping with the key "name" and its options.

    Args:
        spec: What is given there counts before what follows.
        distance: The network's distance, for losses that have no other by default. One with weights is there to be
            learned, and given to every loss that takes a distance.
        dim: Width of the embeddings.
        classes: Number of classes, if the data has any.

    Raises:
        TwinnetError: If the name is unknown, or the options do not fit.
    """
    asked = inspect.signature(losses.named(spec)).parameters
    known = {"dim": dim, "classes": classes, "distance": distance}
    wanted = {name for name in known if name in asked and asked[name].default in (None, inspect.Parameter.empty)}
    if "distance" in asked and distance is not None and any(w.requires_grad for w in distance.parameters()):
        wanted.add("distance")
    loss: Loss = losses.create_with(spec, **{name: known[name] for name in wanted})
    return loss
