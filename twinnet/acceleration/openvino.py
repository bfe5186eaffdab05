"""Towers compiled by OpenVINO for the CPU."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from twinnet.acceleration.compiling import (
    HINTS,
    CompiledModule,
    Request,
    agrees,
    fixed_sizes,
    import_openvino,
    left_to_torch,
)
from twinnet.acceleration.int8 import quantized
from twinnet.acceleration.keeping import all_kept, kept
from twinnet.acceleration.precision import Embed
from twinnet.acceleration.ranges import required_ranges
from twinnet.features import Batch
from twinnet.preprocess import Prepared
from twinnet.tower import Tower

# How many items are compared with torch.
FEW = 2

# Towers that are left to torch.
REFUSED: WeakSet[Tower] = WeakSet()


def is_compiled(tower: Tower, precision: str) -> bool:
    """Whether an `Embedder` would find something that was compiled before."""
    return any(key[0] == precision for key in all_kept(tower))  # type: ignore[index]


def where_trusted(tower: Tower, plain: Embed, precision: str, *, new: bool) -> Embed:
    """What embeds: the tower compiled, where it computes what torch does, or else torch.

    Args:
        tower: As for `Embedder`.
        plain: What embeds a batch by torch.
        precision: "bfloat16" or "float32".
        new: Whether to compile it where that was not done before.
    """
    if tower in REFUSED:
        return plain
    if is_compiled(tower, precision):
        return Embedder(tower, precision)
    return Checked(tower, plain, precision) if new else plain


class Embedder:
    """Embeds batches, one after the other; each thread has its own.

    There is one model for each set of inputs that batches have. What was compiled for a tower is kept as long as it.

    Args:
        tower: In evaluation mode, on the CPU. What is compiled has its weights of now.
        precision: "int8", "bfloat16" or "float32".

    Raises:
        TwinnetError: If OpenVINO is not installed, or the tower has no int8 ranges.
    """

    def __init__(self, tower: Tower, precision: str) -> None:
        import_openvino()
        self.tower = tower
        self.precision = precision
        self.ranges = required_ranges(tower) if precision == "int8" else None
        self.requests: dict[Hashable, Request] = {}

    @cached_property
    def computed(self) -> Tower:
        """What is compiled: the tower, or its copy in int8."""
        return self.tower if self.ranges is None else quantized(self.tower, self.ranges)

    def __call__(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        """Prepared items -> (B, D) float32."""
        batch = self.tower.reader().collate(prepared)
        constants = {name: value for name, value in batch.items() if value.ndim == 0}
        inputs = {name: value for name, value in batch.items() if value.ndim > 0}
        (embedded,) = self._request(inputs, constants)(*inputs.values())
        return embedded

    def _request(self, inputs: Mapping[str, Tensor], constants: Batch) -> Request:
        """What runs batches with these inputs; values without a dimension are part of the model."""
        shapes = ((name, *fixed_sizes(value)) for name, value in inputs.items())
        key = (self.precision, *shapes, *((name, float(value)) for name, value in constants.items()))
        if key not in self.requests:
            self.requests[key] = kept(self.tower, key, lambda: self._compile(inputs, constants)).request()
        return self.requests[key]

    def _compile(self, inputs: Mapping[str, Tensor], constants: Batch) -> CompiledModule:
        module = _Positional(self.computed, list(inputs), constants)
        return CompiledModule(module, list(inputs.values()), HINTS[self.precision])


class Checked:
    """The tower compiled as long as that computes what torch does; else torch.

    Whether it does is seen on the first batch, and on one of another size, since what depends on the number of items
    may have become a constant of the trace.

    Args:
        tower: As for `Embedder`.
        plain: What embeds a batch by torch.
        precision: "bfloat16" or "float32".
    """

    def __init__(self, tower: Tower, plain: Embed, precision: str) -> None:
        self.compiled = Embedder(tower, precision)
        self.plain = plain
        self.chosen: Embed | None = None

    def __call__(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        """Prepared items -> (B, D) float32."""
        if self.chosen is not None:
            return self.chosen(prepared)
        rows = self._checked(prepared)
        if rows is None:
            REFUSED.add(self.compiled.tower)
            self.chosen = self.plain
            return self.plain(prepared)
        self.chosen = self.compiled
        return rows

    def _checked(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any] | None:
        """What the compiled tower gives, or None if that is not to be trusted."""
        few = prepared[:FEW]
        try:
            rows = self.compiled(prepared)
            found = np.stack([rows[: len(few)], self.compiled(few)])
        except Exception as error:  # OpenVINO's own kinds of failure share no other base
            left_to_torch(error)
            return None
        if not agrees(found, np.stack([self.plain(few)] * 2), HINTS[self.compiled.precision]):
            left_to_torch()
            return None
        return rows


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
