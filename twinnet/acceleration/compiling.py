"""Modules compiled by OpenVINO for the CPU."""

from __future__ import annotations

import logging
import warnings
from collections import deque
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.errors import TwinnetError
from twinnet.tower import tensors_of

# How close a compiled module must come to torch, by OpenVINO's name of the precision.
CLOSE = {"f32": 1e-3, "bf16": 5e-2}
# Those names by ours; int8 is part of the module.
HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}

log = logging.getLogger(__name__)


@cache
def can_compile() -> bool:
    """Whether OpenVINO is installed."""
    return find_spec("openvino") is not None


class CompiledModule:
    """A module with its weights of now, in float32 unless the module itself says int8.

    Batches may be of any size. Pictures and maps must otherwise have the size of the example, since padding that
    depends on it is a constant of the trace; other inputs may have any length.

    Args:
        module: In evaluation mode, on the CPU. It must do the same operations whatever the values are.
        example: Inputs, each with a batch dimension.
        hint: OpenVINO's name of the precision: "f32" or "bf16".
        fixed: Whether inputs always have the sizes of the example, batches too, which is faster.

    Attributes:
        trusted: Whether it was seen to compute what torch does; None before they were compared.

    Raises:
        TwinnetError: If OpenVINO is not installed.
    """

    trusted: bool | None = None

    def __init__(self, module: nn.Module, example: Sequence[Tensor], hint: str = "f32", *, fixed: bool = False) -> None:
        self.threads = torch.get_num_threads()
        self._graph = _converted(module, example, fixed)
        self.hint = hint
        self._model = self._compile(PERFORMANCE_HINT="LATENCY")

    def _compile(self, **settings: str) -> Any:
        common = {"INFERENCE_NUM_THREADS": self.threads, "INFERENCE_PRECISION_HINT": self.hint}
        return _core().compile_model(self._graph, "CPU", {**common, **settings})

    @cached_property
    def _streams(self) -> Any:
        return self._compile(NUM_STREAMS=str(self.threads))

    def request(self) -> Request:
        """What runs it by all threads, one call at a time; each thread of the caller needs its own."""
        return Request(self._model.create_infer_request())

    def requests(self) -> list[Request]:
        """What runs it at the same time, each by one thread: together faster than by `request` one after the other."""
        return [Request(self._streams.create_infer_request()) for _ in range(self.threads)]


class Request:
    """Runs a compiled module."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._inputs: list[npt.NDArray[Any]] = []

    def __call__(self, *inputs: Tensor) -> list[npt.NDArray[np.float32]]:
        """The outputs of the module, in order."""
        self.start(*inputs)
        return self.result()

    def start(self, *inputs: Tensor) -> None:
        """Begin, and do not wait."""
        self._inputs = [value.numpy() for value in inputs]  # they must live until the end
        self._request.start_async(self._inputs, share_inputs=True)

    def result(self) -> list[npt.NDArray[np.float32]]:
        """The outputs of the module for what was started last, in order."""
        self._request.wait()
        results = self._request.results
        return [np.array(results[i], dtype=np.float32) for i in range(len(results))]


def run_all(requests: Sequence[Request], calls: Sequence[Sequence[Tensor]]) -> list[list[npt.NDArray[np.float32]]]:
    """The outputs for each of some inputs, as many at the same time as there are requests."""
    found: list[list[npt.NDArray[np.float32]]] = []
    running: deque[Request] = deque()
    for inputs, request in zip(calls, cycle(requests), strict=False):
        if len(running) == len(requests):
            found.append(running.popleft().result())  # that of the same request
        request.start(*inputs)
        running.append(request)
    return found + [request.result() for request in running]


def agrees(found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32], hint: str = "f32") -> bool:
    """Whether what a compiled module gives is what torch gives in float32, but for the last digits of its precision."""
    close = CLOSE[hint]
    return np.allclose(found, expected, rtol=close, atol=close * float(np.abs(expected).max()))


def left_to_torch(error: Exception | None = None) -> None:
    """Say that torch computes a network, since compiling it failed, or gave something else where there is no error."""
    why = "computes something else when it is compiled"
    if error is not None:
        why = f"cannot be compiled ({type(error).__name__})"
    log.warning("this network %s: torch computes it", why)


def fixed_sizes(value: Tensor) -> tuple[int, ...]:
    """The sizes of an input that a graph holds fast: all but the batch where it is pictures or maps."""
    return tuple(value.shape[1:]) if value.ndim == 4 else ()


def _shape(value: Tensor, fixed: bool) -> list[int]:
    """The sizes of an input with -1 for any; none where all are."""
    if fixed:
        return list(value.shape)
    return [-1, *sizes] if (sizes := fixed_sizes(value)) else []


def _converted(module: nn.Module, example: Sequence[Tensor], fixed: bool) -> Any:
    """The module as OpenVINO's graph.

    These are the steps of `openvino.convert_model` but two: a pass for means and scales of the inputs, which takes
    several seconds where none are given, and a report of its use.
    """
    openvino = import_openvino()
    from openvino import _offline_transformations as transformations
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # Tracing is deprecated, and warns of lengths that are looked at; OpenVINO knows no other way.
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(_Flat(module).eval(), tuple(example), check_trace=False)
        decoder = TorchScriptPythonDecoder(traced)
    front = FrontEndManager().load_by_framework("pytorch")
    graph = front.convert(front.load(decoder))
    sizes = {i: _shape(value, fixed) for i, value in enumerate(example)}
    graph.reshape({i: openvino.PartialShape(size) for i, size in sizes.items() if size})
    transformations.apply_moc_transformations(graph, cf=False, smart_reshape=True)
    transformations.compress_quantize_weights_transformation(graph)
    return graph


class _Flat(nn.Module):
    """A module without parts, which is traced in a third of the time, but with all weights.

    Those of a function would be constants, which torch keeps for as long as the process runs.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.hidden = [module]
        for number, tensor in enumerate(tensors_of(module)):
            self.register_buffer(f"tensor{number}", tensor)

    def forward(self, *inputs: Tensor) -> Any:
        return self.hidden[0](*inputs)


@cache
def _core() -> Any:
    """The one Core of this process: where several come and go, memory is overwritten (openvino 2026.4)."""
    return import_openvino().Core()


def import_openvino() -> Any:
    """The module.

    Raises:
        TwinnetError: If it is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise TwinnetError('this needs OpenVINO: pip install "twinnet[openvino]"') from error
    return openvino
