"""Any image model of the timm library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinnet.backbones.base import Backbone
from twinnet.errors import unknown_name
from twinnet.features import Batch, Features


class TimmBackbone(Backbone):
    """The features of a timm model before its pooling and classifier: a map, or a sequence if it is a transformer.

    Args:
        model: The name of the model, as in "timm/resnet18".
        pretrained: Whether to fetch timm's weights from the model hub; a saved network brings its own.
        in_chans: Channels of the pictures.

    Raises:
        TwinnetError: If timm has no such model.
    """

    def __init__(self, model: str, pretrained: bool = False, in_chans: int = 3) -> None:
        import timm

        super().__init__()
        if not timm.is_model(model):
            raise unknown_name("timm model", model, timm.list_models())
        self.model = timm.create_model(model, pretrained=pretrained, num_classes=0, global_pool="", in_chans=in_chans)
        self.width = self.model.num_features
        self.kind = "map" if self.model.pretrained_cfg.get("pool_size") else "sequence"
        self.channels_last = getattr(self.model, "output_fmt", "NCHW") == "NHWC"
        self.stride = self.model.feature_info[-1]["reduction"] if hasattr(self.model, "feature_info") else None

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments; a saved network brings its own weights."""
        return super().config | {"pretrained": False}

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> a map (B, C, H / stride, W / stride), or a sequence (B, T, D) of a transformer."""
        values = self.model.forward_features(batch["pixels"])
        return Features(values.permute(0, 3, 1, 2) if self.channels_last else values)

    def default_preprocess(self) -> Mapping[str, Any]:
        """Size and normalisation that the weights were trained with."""
        default = self.model.pretrained_cfg
        return {
            "name": "image",
            "size": list(default["input_size"][1:]),
            "mean": list(default["mean"]),
            "std": list(default["std"]),
            "crop": default.get("crop_pct"),
        }
