"""A dual encoder of transformers (CLIP, SigLIP and their kin) as a half-twin: text on the left, images on the right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinnet.backbones.dual_encoder import DualEncoderHalf
from twinnet.backbones.transformers import reading
from twinnet.distances.scaled import ScaledCosine
from twinnet.errors import TwinnetError
from twinnet.image.preprocess import FILTERS, ImagePreprocess
from twinnet.network import TwinNetwork
from twinnet.text.preprocess import TextPreprocess
from twinnet.text.sbert import read_tokenizer
from twinnet.tower import Tower

CONFIG = "config.json"
# They take the last position for the text, and were trained with every text padded to one length.
FIXED_LENGTH = ("siglip",)
# What image processors must do, and what they must not.
STEPS = ("do_resize", "do_rescale", "do_normalize")
OTHER_STEPS = ("do_pad", "do_flip_channel_order", "include_top", "max_num_patches", "rescale_offset")


def is_dual_encoder(folder: Path) -> bool:
    """Whether this folder holds a model of transformers that has a text part and an image part."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"text_config", "vision_config"} <= config.keys()


def read_dual_encoder(folder: Path) -> TwinNetwork:
    """Read a folder as transformers writes it. `similarity` gives transformers' logits, scale and bias included.

    Raises:
        TwinnetError: If transformers cannot read it, it is no dual encoder, or its pictures are prepared in another
            way than by resizing, cropping and normalising.
    """
    model = _read_model(folder)
    text, image = (DualEncoderHalf.of(model, modality) for modality in ("text", "image"))
    bias = getattr(model, "logit_bias", None)
    distance = ScaledCosine(model.logit_scale.exp().item(), None if bias is None else bias.item())
    return TwinNetwork(text, [], distance, _read_text(folder, model.config), Tower(image, [], _read_image(folder)))


def _read_model(folder: Path) -> Any:
    from transformers import AutoModel

    with reading(folder):
        return AutoModel.from_pretrained(folder, local_files_only=True, dtype="float32", weights_only=True)


def _read_text(folder: Path, config: Any) -> TextPreprocess:
    fixed = {"fixed_length": True} if config.model_type in FIXED_LENGTH else {}
    return read_tokenizer(folder, config.text_config.to_dict(), **fixed)


def _read_image(folder: Path) -> ImagePreprocess:
    from transformers import AutoImageProcessor

    with reading(folder):
        settings = AutoImageProcessor.from_pretrained(folder, local_files_only=True).to_dict()
    strange = [step for step in STEPS if not settings.get(step)] + [step for step in OTHER_STEPS if settings.get(step)]
    resample = next((name for name, number in FILTERS.items() if number == settings.get("resample")), None)
    size, crop = _size_and_crop(settings)
    if strange or size is None or resample is None or abs(settings["rescale_factor"] * 255 - 1) > 1e-6:
        raise TwinnetError(
            f"{folder}: its pictures are not resized by a filter of Pillow, cropped, divided by 255 and normalised "
            f"({', '.join(strange) or settings}): give the network another preprocess"
        )
    return ImagePreprocess(size, settings["image_mean"], settings["image_std"], crop, resample=resample)


def _size_and_crop(settings: Mapping[str, Any]) -> tuple[list[int] | None, float | None]:
    """The size that the network sees, and the share that a crop keeps; None for a size that differs by picture."""
    size = settings.get("size") or {}
    cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
    window = None if cropped is None else [cropped["height"], cropped["width"]]
    if size.keys() == {"height", "width"}:
        whole = [size["height"], size["width"]]
        return (whole if window in (None, whole) else None), None
    if size.keys() == {"shortest_edge"} and window is not None and max(window) <= size["shortest_edge"]:
        return window, max(window) / size["shortest_edge"]
    return None, None
