"""Towers compiled by OpenVINO for the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.acceleration.int8 import ActivationRanges, quantized
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.preprocess import Prepared
from twinnet.tower import Tower

HINTS = {"int8": "f32", "bfloat16": "bf16"}


def embedder(tower: Tower, precision: str) -> _Embedder:
    """What embeds prepared items as one batch, with the models that were compiled for this tower before.

    Args:
        tower: In evaluation mode, on the CPU. What is compiled has its weights of now.
        precision: "int8" or "bfloat16".

    Raises:
        TwinnetError: If OpenVINO is not installed, or the tower has no int8 ranges.
    """
    known = _CACHE.setdefault(tower, {})
    state = _state(tower)
    if precision not in known or known[precision].state != state:
        known[precision] = _Compiled(tower, precision, state)
    return _Embedder(tower, known[precision])


class _Compiled:
    """The models of a tower, one for each set of inputs that its batches have.

    It does not hold on to the tower, so that both are forgotten together.
    """

    def __init__(self, tower: Tower, precision: str, state: tuple[Any, ...]) -> None:
        self.openvino = _import_openvino()
        self.state = state
        self.copy = quantized(tower, _ranges(tower)) if precision == "int8" else None
        self.settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.models: dict[tuple[Any, ...], Any] = {}

    def model(self, tower: Tower, inputs: Mapping[str, Tensor], constants: Batch) -> Any:
        """The model for batches with these inputs; values without a dimension are part of it."""
        key = (*inputs, *((name, float(value)) for name, value in constants.items()))
        if key not in self.models:
            traced = _Positional(self.copy or tower, list(inputs), constants)
            with torch.no_grad(), warnings.catch_warnings():
                # Tracing is deprecated, and warns of lengths that are looked at; OpenVINO knows no other way.
                warnings.simplefilter("ignore")
                converted = self.openvino.convert_model(traced, example_input=tuple(inputs.values()))
            self.models[key] = _core().compile_model(converted, "CPU", self.settings)
        return self.models[key]


class _Embedder:
    """Embeds batches, one after the other; each thread has its own."""

    def __init__(self, tower: Tower, compiled: _Compiled) -> None:
        self.tower = tower
        self.compiled = compiled
        self.requests: dict[int, Any] = {}

    def __call__(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        """Prepared items -> (B, D) float32."""
        batch = self.tower.reader().collate(prepared)
        constants = {name: value for name, value in batch.items() if value.ndim == 0}
        inputs = {name: value for name, value in batch.items() if value.ndim > 0}
        model = self.compiled.model(self.tower, inputs, constants)
        if id(model) not in self.requests:
            self.requests[id(model)] = model.create_infer_request()
        results = self.requests[id(model)].infer([value.numpy() for value in inputs.values()], share_inputs=True)
        return np.array(results[0], dtype=np.float32)


class _Positional(nn.Module):
    """A tower that takes the tensors of a batch in order."""

    def __init__(self, tower: Tower, names: Sequence[str], constants: Batch) -> None:
        super().__init__()
        self.tower = tower
        self.names = names
        self.constants = dict(constants)

    def forward(self, *tensors: Tensor) -> Tensor:
        """The tensors of a batch -> (B, D)."""
        batch = dict(zip(self.names, tensors, strict=True))
        embedded: Tensor = self.tower(batch | self.constants)
        return embedded


_CACHE: WeakKeyDictionary[Tower, dict[str, _Compiled]] = WeakKeyDictionary()


def _state(tower: Tower) -> tuple[Any, ...]:
    """What changes when what was compiled is no longer what the tower computes."""
    tensors = (*tower.parameters(), *tower.buffers())
    versions = ((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)
    return (*versions, torch.get_num_threads(), id(tower.activation_ranges))


def _ranges(tower: Tower) -> ActivationRanges:
    if tower.activation_ranges is None:
        raise TwinnetError(
            "int8 needs the ranges of this network's activations, measured once: call "
            "network.calibrate_activations(sample, name) with some hundred items of your kind (`twinnet "
            "calibrate-int8`), then save it"
        )
    return tower.activation_ranges


@cache
def _core() -> Any:
    """The one Core of this process: where several come and go, memory is overwritten (openvino 2026.4)."""
    return _import_openvino().Core()


def _import_openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise TwinnetError('int8 needs OpenVINO: pip install "twinnet[openvino]"') from error
    return openvino
