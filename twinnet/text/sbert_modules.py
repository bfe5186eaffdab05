"""The modules behind the transformer in a folder of sentence-transformers, read into head layers and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from twinnet.backbones.checkpoints import read_checkpoint
from twinnet.errors import TwinnetError
from twinnet.files import read_json, read_weights
from twinnet.folder import WEIGHTS
from twinnet.heads import Dense, HeadLayer, LayerNorm, Normalize, Pooling

MODULE = "config.json"
ACTIVATIONS = {
    "gelu": "torch.nn.modules.activation.GELU",
    "identity": "torch.nn.modules.linear.Identity",
    "relu": "torch.nn.modules.activation.ReLU",
    "sigmoid": "torch.nn.modules.activation.Sigmoid",
    "silu": "torch.nn.modules.activation.SiLU",
    "tanh": "torch.nn.modules.activation.Tanh",
}
LEGACY_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def _read_pooling(place: Path) -> list[HeadLayer]:
    config = read_json(place / MODULE)
    modes = config.get("pooling_mode") or [mode for key, mode in LEGACY_MODES.items() if config.get(key)] or "mean"
    return [Pooling(modes, include_prompt=config.get("include_prompt", True))]


def _read_dense(place: Path) -> list[HeadLayer]:
    config = read_json(place / MODULE)
    kinds = {path.rpartition(".")[2]: name for name, path in ACTIVATIONS.items()}
    kind = config.get("activation_function", "Tanh").rpartition(".")[2]
    if kind not in kinds:
        raise TwinnetError(f"{place / MODULE}: activation {kind!r} is not known: {', '.join(kinds)} are")
    layer = Dense(
        config["in_features"],
        config["out_features"],
        bias=config.get("bias", True),
        activation=kinds[kind],
        residual=config.get("use_residual", False),
    )
    layer.load_state_dict(_read_module_weights(place))
    return [layer]


def _read_layer_norm(place: Path) -> list[HeadLayer]:
    layer = LayerNorm(read_json(place / MODULE)["dimension"])
    layer.load_state_dict(_read_module_weights(place))
    return [layer]


def _read_module_weights(place: Path) -> dict[str, Tensor]:
    old = place / "pytorch_model.bin"
    if old.is_file() and not (place / WEIGHTS).is_file():
        return read_checkpoint(old)
    return read_weights(place / WEIGHTS)


def _write_pooling(layer: Any, width: int) -> dict[str, Any]:
    legacy = {key: mode in layer.modes for key, mode in LEGACY_MODES.items()}
    in_legacy_order = [mode for key, mode in LEGACY_MODES.items() if legacy[key]] == layer.modes
    modes = legacy if in_legacy_order else {"pooling_mode": layer.modes}
    return {"word_embedding_dimension": width, **modes, "include_prompt": layer.include_prompt}


def _write_dense(layer: Any, width: int) -> dict[str, Any]:
    config = {
        "in_features": width,
        "out_features": layer.out_width(width),
        "bias": layer.linear.bias is not None,
        "activation_function": ACTIVATIONS[layer.config.get("activation", "identity")],
    }
    return config | ({"use_residual": True} if layer.residual is not None else {})


READERS: dict[str, Callable[[Path], list[HeadLayer]]] = {
    "Pooling": _read_pooling,
    "Dense": _read_dense,
    "LayerNorm": _read_layer_norm,
    "Normalize": lambda _: [Normalize()],
    "Dropout": lambda _: [],  # does nothing outside its own training
}
WRITERS: dict[str, Callable[[Any, int], dict[str, Any]]] = {
    "Pooling": _write_pooling,
    "Dense": _write_dense,
    "LayerNorm": lambda _, width: {"dimension": width},
    "Normalize": lambda _layer, _width: {},
}
