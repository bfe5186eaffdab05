"""Any image model of the timm library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.backbones.checkpoints import read_checkpoint, renamed
from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Batch, Features

# What makes timm read files or addresses that a saved network may name, past the checks of `weights`.
OTHER_WEIGHTS = {"checkpoint_path", "cache_dir", "pretrained_cfg", "pretrained_cfg_overlay"}


class TimmBackbone(Backbone):
    """The features of a timm model before its pooling and classifier: a map, or a sequence if it is a transformer.

    Args:
        model: The name of the model, as in "timm/resnet18".
        pretrained: Whether to fetch timm's weights from the model hub; a saved network brings its own.
        in_chans: Channels of the pictures.
        weights: A file with weights of the whole model (safetensors, or a torch file of tensors alone), under timm's
            names, or under those of a port that defines the same layers in the same order.
        out_index: The stage whose map to take, from 0, as in timm's `features_only`; the last unless given.
        **architecture: What else timm's constructor of the model takes, as in `channels=[32, 64, 128, 256]`.

    Raises:
        TwinnetError: If timm has no such model, or it does not take the arguments or the weights.
    """

    traceable = True

    def __init__(
        self,
        model: str,
        pretrained: bool = False,
        in_chans: int = 3,
        weights: str | None = None,
        out_index: int | None = None,
        **architecture: Any,
    ) -> None:
        super().__init__()
        if other := sorted(set(architecture) & OTHER_WEIGHTS):
            raise TwinnetError(f"timm model {model!r}: {other[0]} is not taken: give pretrained or weights")
        self.stage = out_index
        self._create(model, pretrained, in_chans, weights, architecture)
        self.to(memory_format=torch.channels_last)

    def _create(
        self, model: str, pretrained: bool, in_chans: int, weights: str | None, architecture: Mapping[str, Any]
    ) -> None:
        import timm

        if not timm.is_model(model):
            raise unknown_name("timm model", model, timm.list_models())
        settings: dict[str, Any] = {"num_classes": 0, "global_pool": ""}
        if self.stage is not None:
            settings = {"features_only": True, "out_indices": (self.stage,)}
        settings |= {"pretrained": pretrained, "in_chans": in_chans, **architecture}
        try:
            if weights is not None:
                whole = timm.create_model(model, **architecture).state_dict()
                known = renamed(read_checkpoint(weights), whole, weights)
                settings |= {"pretrained": True, "pretrained_cfg_overlay": {"state_dict": known}}
            self.model = timm.create_model(model, **settings)
        except (TypeError, RuntimeError, OSError, IndexError, AssertionError) as error:
            raise TwinnetError(f"timm model {model!r}: {error}") from error
        self.default = timm.get_pretrained_cfg(model).to_dict()
        info: Any = getattr(self.model, "feature_info", None)
        if self.stage is None:
            self.width, self.stride = self.model.num_features, info[-1]["reduction"] if info else None
        else:
            self.width, self.stride = info.channels()[0], info.reduction()[0]
        self.kind = "sequence" if self.stage is None and not self.default.get("pool_size") else "map"
        self.last_is_channels = getattr(self.model, "output_fmt", "NCHW") == "NHWC"

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments; a saved network brings its own weights."""
        return super().config | {"pretrained": False, "weights": None}

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, C, H, W) -> a map (B, D, H / stride, W / stride), or a sequence (B, T, D) of a transformer."""
        pixels = batch["pixels"]
        values: Tensor = self.model.forward_features(pixels) if self.stage is None else self.model(pixels)[0]
        return Features(values.permute(0, 3, 1, 2) if self.last_is_channels else values)

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """The layers as timm groups them; one group where only the maps of a stage are taken."""
        from timm.models import group_parameters

        if not hasattr(self.model, "group_matcher"):
            return super().layer_groups()
        groups: Mapping[int, list[nn.Parameter]] = group_parameters(
            self.model, self.model.group_matcher(), return_values=True
        )
        return list(groups.values())

    def default_preprocess(self) -> Mapping[str, Any]:
        """Size and normalisation that the weights were trained with."""
        default = self.default
        return {
            "name": "image",
            "size": list(default["input_size"][1:]),
            "mean": list(default["mean"]),
            "std": list(default["std"]),
            "crop": default.get("crop_pct"),
        }
