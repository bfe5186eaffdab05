"""Any classifier of torchvision, without its classifying layer."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Batch, Features


class TorchvisionBackbone(Backbone):
    """The pooled features of a torchvision model.

    Args:
        model: The name of the model, as in "torchvision/resnet18".
        weights: Which of torchvision's weights to fetch, as in "DEFAULT"; a saved network brings its own.

    Raises:
        TwinnetError: If torchvision has no such model or weights, or they cannot be fetched.
    """

    traceable = True

    def __init__(self, model: str, weights: str | None = None) -> None:
        from torchvision import models

        super().__init__()
        if model not in models.list_models(models):
            raise unknown_name("torchvision model", model, models.list_models(models))
        if weights is not None:
            _fetch(model, weights)
        self.model = models.get_model(model, weights=weights)
        self.width = _drop_classifier(self.model, model)
        if getattr(self.model, "aux_logits", False):  # classifiers in the middle, which only training would see
            self.model.aux_logits = False
        self.to(memory_format=torch.channels_last)

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments; a saved network brings its own weights."""
        return super().config | {"weights": None}

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> (B, D)."""
        return Features(self.model(batch["pixels"]))

    def default_preprocess(self) -> Mapping[str, Any]:
        """ImageNet's normalisation, with which all of torchvision's weights were trained."""
        return {"name": "image", "crop": 0.875}


def _fetch(model: str, weights: str) -> None:
    """Fetch weights into torch's cache, from where torchvision takes them: it would unpickle whatever is there."""
    from torchvision import models

    known = models.get_model_weights(model)
    if weights not in known.__members__:
        raise unknown_name(f"weights of {model}", weights, known.__members__)
    try:
        known[weights].get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise TwinnetError(f"the weights {weights} of {model} cannot be fetched or read ({error})") from error


def _drop_classifier(model: nn.Module, name: str) -> int:
    """Put the identity in place of the last linear layer; returns the width of what then comes out."""
    for attribute in ("fc", "classifier", "head", "heads"):
        layer = getattr(model, attribute, None)
        if isinstance(layer, nn.Linear):
            setattr(model, attribute, nn.Identity())
            return layer.in_features
        if isinstance(layer, nn.Sequential) and isinstance(layer[-1], nn.Linear):
            last = layer[-1]
            layer[-1] = nn.Identity()
            return last.in_features
    raise TwinnetError(f"torchvision model {name!r} has no linear classifier at its end: take it from timm")
