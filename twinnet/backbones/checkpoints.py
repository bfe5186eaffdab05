"""Weights from files of other programs, without unpickling anything but tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from twinnet.errors import TwinnetError
from twinnet.files import read_weights

NESTED = ("state_dict", "model", "model_state_dict")


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file, or a torch file that holds tensors and nothing else.

    Raises:
        TwinnetError: If it is missing or damaged, or holds other objects.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return read_weights(path)
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises what the damage suggests
        raise TwinnetError(f"{path}: no file of tensors that torch can read ({error})") from error
    nested = next((held[key] for key in NESTED if isinstance(held, dict) and isinstance(held.get(key), dict)), held)
    if not isinstance(nested, dict) or not all(isinstance(value, Tensor) for value in nested.values()):
        raise TwinnetError(f"{path}: holds other objects than named tensors: save the network's state_dict")
    return dict(nested)


def renamed(weights: Mapping[str, Tensor], like: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Weights under the names of `like`: their own if these are the same, else those of the same place.

    Ports of one architecture name its layers differently but define them in the same order.

    Args:
        weights: The weights of a port.
        like: Those of the network that is to take them.
        source: Where they come from, for errors.

    Raises:
        TwinnetError: If not all shapes agree, place by place.
    """
    if weights.keys() & like.keys():
        return dict(weights)
    shapes, expected = ([tuple(t.shape) for t in held.values()] for held in (weights, like))
    if shapes != expected:
        raise TwinnetError(f"{source}: the weights are of another architecture: neither names nor shapes agree")
    return dict(zip(like, weights.values(), strict=True))
