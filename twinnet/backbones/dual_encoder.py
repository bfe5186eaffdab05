"""One half of a dual encoder of the transformers library: CLIP, SigLIP and their kin."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.backbones.layers import stacked_layers
from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Batch, Features

# How the parts of each half are called in every architecture: text_model, text_projection, vision_model,
# visual_projection.
PARTS = {"text": "text_", "image": "vis"}


class DualEncoderHalf(Backbone):
    """The text half or the image half of a dual encoder, with its projection into the space of both.

    Args:
        architecture: The configuration of the whole model, as in the `config.json` of its folder.
        modality: "text" or "image".

    Raises:
        TwinnetError: If the modality is unknown, or the architecture is no dual encoder.
    """

    traceable = True

    def __init__(self, architecture: dict[str, Any], modality: str) -> None:
        from transformers import AutoConfig, AutoModel

        super().__init__()
        settings = {name: value for name, value in architecture.items() if name not in ("model_type", "auto_map")}
        config = AutoConfig.for_model(architecture["model_type"], **settings)
        self._adopt(AutoModel.from_config(config), modality)

    @classmethod
    def of(cls, model: Any, modality: str) -> Self:
        """One half of a model of transformers, with which it shares its weights."""
        self = cls.__new__(cls, model.config.to_diff_dict() | {"model_type": model.config.model_type}, modality)
        super(cls, self).__init__()
        self._adopt(model, modality)
        return self

    def _adopt(self, model: Any, modality: str) -> None:
        if modality not in PARTS:
            raise unknown_name("modality", modality, PARTS)
        config = model.config
        parts = {name: part for name, part in model.named_children() if name.startswith(PARTS[modality])}
        if not (parts and hasattr(model, "get_text_features") and hasattr(model, "get_image_features")):
            raise TwinnetError(f"model type {config.model_type!r} is no dual encoder of text and images")
        # Its functions work on the parts of their own half alone.
        self.model = copy.copy(model)
        self.model._modules, self.model._parameters = parts, {}
        self.modality = modality
        self.takes_tokens = modality == "text"
        self.width = _projected_width(config, modality)

    def forward(self, batch: Batch) -> Features:
        """Token ids (B, T) or pixels (B, 3, H, W) -> (B, D), not normalised."""
        if self.modality == "text":
            output = self.model.get_text_features(batch["input_ids"], attention_mask=batch.get("attention_mask"))
        else:
            output = self.model.get_image_features(batch["pixels"])
        # Before its version 5 transformers gave the tensor alone.
        values: Tensor = getattr(output, "pooler_output", output)
        return Features(values)

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """The embeddings, then one group for each layer; the projection goes with the last of them."""
        half = getattr(self.model.config, "text_config" if self.modality == "text" else "vision_config", None)
        return stacked_layers(self.model, getattr(half, "num_hidden_layers", None))

    def weights(self) -> dict[str, Tensor]:
        """The weights under transformers' own names."""
        weights: dict[str, Tensor] = self.model.state_dict()
        return weights

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take weights under transformers' own names."""
        self.model.load_state_dict(weights)


def _projected_width(config: Any, modality: str) -> int:
    shared: int | None = getattr(config, "projection_dim", None)
    if shared is not None:
        return shared
    # SigLIP has no projection: the last layer of each half ends in the common space.
    width: int = config.text_config.projection_size if modality == "text" else config.vision_config.hidden_size
    return width
