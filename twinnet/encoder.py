"""Raw items to embeddings: one tower for both sides, or one for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.acceleration import ActivationRanges
from twinnet.checks import check_count
from twinnet.embeddings import as_embeddings, is_stored, stored_rows
from twinnet.encoding import EncodeReport, batch_budget, encode, evaluating
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.quantization import Int8Ranges, finisher
from twinnet.tower import Tower, device_of

Side = Literal["left", "right"]
Array = npt.NDArray[Any]


class TwinEncoder(nn.Module):
    """The half of a twin network that embeds; `TwinNetwork` adds the half that compares.

    Args:
        tower: Embeds the items of both sides.
        other: The second tower of a half-twin, which embeds the items on the right.

    Raises:
        TwinnetError: If the two towers differ in the width of their embeddings.
    """

    def __init__(self, tower: Tower, other: Tower | None = None) -> None:
        super().__init__()
        self.tower = tower
        self.other = other
        self.int8_ranges: Int8Ranges | None = None
        self.truncate_dim: int | None = None
        self.precision = "float32"
        if other is not None and other.width != tower.width:
            raise TwinnetError(
                f"the towers give embeddings of width {tower.width} and {other.width}: give one of them a head that "
                "brings both to one width"
            )

    def side(self, side: Side = "left") -> Tower:
        """The tower of a side; both sides have the same one unless the network is a half-twin."""
        if side not in ("left", "right"):
            raise TwinnetError(f"unknown side {side!r}: 'left' or 'right'")
        return self.other if side == "right" and self.other is not None else self.tower

    @property
    def towers(self) -> list[Tower]:
        """The one tower, or the two of a half-twin."""
        return [self.tower] if self.other is None else [self.tower, self.other]

    @property
    def dim(self) -> int:
        """The width of the embeddings that `encode` gives."""
        return min(self.truncate_dim or self.tower.width, self.tower.width)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return device_of(self)

    def forward(self, batch: Batch, side: Side = "left") -> Tensor:
        """Embed a batch of tensors, with gradients: (B, D), or a map (B, C, H, W)."""
        embedded: Tensor = self.side(side)(batch)
        return embedded

    def encode(
        self,
        items: Any,
        *,
        side: Side = "left",
        normalize: bool = False,
        truncate_dim: int | None = None,
        quantize: str | None = None,
        precision: str | None = None,
        progress: bool | None = None,
        report: EncodeReport | None = None,
        skip_bad: bool = False,
        **options: Any,
    ) -> Array:
        """Embed raw items.

        Args:
            items: One item, or any iterable of items.
            side: The side of a half-twin that embeds them.
            normalize: Whether to scale each embedding to unit length.
            truncate_dim: Keep only so many leading dimensions (before normalising).
            quantize: "int8" (see `calibrate_int8`) or "binary" (packed sign bits); float32 unless given.
            precision: What to compute in, the network's own `precision` unless given: "float32"; "bfloat16", where the
                processor can multiply so; "int8" (see `calibrate_activations`); "auto", the first two by the processor.
            progress: Whether to show a bar on standard error; unless given, only on a terminal.
            report: What happened is added to it: truncated and refused items, tokens, seconds.
            skip_bad: Whether an item that cannot be taken is noted in the report, its row NaN (0 if quantised), and the
                others are embedded; otherwise the first such item is an error.
            **options: Options of the preprocess for this call, such as `prompt` for text.

        Returns:
            An array (N, D), or (D,) for one item: float32, int8, or uint8 (N, ceil(D / 8)) for binary.

        Raises:
            TwinnetError: If an item or an option cannot be taken; the message names it.
        """
        if truncate_dim is not None:
            check_count(truncate_dim, "truncate_dim")
        tower = self.side(side)
        preprocess = tower.reader().vary(**options)
        single = preprocess.is_single(items)
        rows = encode(
            tower,
            [items] if single else items,
            preprocess,
            finish=finisher(min(truncate_dim or self.dim, tower.width), normalize, quantize, self.int8_ranges),
            precision=precision or self.precision,
            progress=False if single else progress,
            report=report,
            skip_bad=skip_bad,
        )
        return rows[0] if single else rows

    def encode_iter(self, items: Iterable[Any], *, chunk: int = 16384, **options: Any) -> Iterator[Array]:
        """Embed a stream that does not fit into memory.

        Args:
            items: Any iterable; it is read only as far as is needed.
            chunk: How many items are read, sorted and embedded together.
            **options: As for `encode`.

        Yields:
            Arrays (up to chunk, D), in order.

        Raises:
            TwinnetError: As `encode` does; an item's position counts within its chunk. Or if `chunk` is less than 1, or
                `items` is a single one.
        """
        check_count(chunk, "chunk")
        if isinstance(items, dict) or self.side(options.get("side", "left")).reader().is_single(items):
            raise TwinnetError(f"encode_iter takes many items, and this is one {type(items).__name__}: use encode")
        stream = iter(items)
        while batch := list(islice(stream, chunk)):
            yield self.encode(batch, **options)

    def calibrate_int8(self, items: Any, **options: Any) -> Int8Ranges:
        """Measure the int8 ranges on a sample and keep them, here and in the folder that `save` writes next.

        Args:
            items: Some thousand items, or their embeddings (N, D).
            **options: As for `encode`.

        Raises:
            TwinnetError: If there are fewer than two, or one is not finite.
        """
        embeddings = items if is_stored(items) else self.encode(items, **options)
        self.int8_ranges = Int8Ranges.measure(as_embeddings(embeddings))
        return self.int8_ranges

    def calibrate_activations(self, items: Any, data: str, *, side: Side = "left") -> None:
        """Measure what `precision="int8"` needs to know, and keep it, here and in the folder that `save` writes next.

        Args:
            items: Some hundred raw items of the kind that will be embedded.
            data: What they are, in words; kept with the ranges.
            side: The side of a half-twin that embeds them.

        Raises:
            TwinnetError: If there are none, or one cannot be taken.
        """
        tower = self.side(side)
        preprocess = tower.reader()
        if preprocess.is_single(items):
            raise TwinnetError("int8 ranges are measured on some hundred items: pass a list of them")
        prepared, budget = preprocess.prepare(list(items)), batch_budget(tower, preprocess)
        with evaluating(tower):
            tower.activation_ranges = ActivationRanges.measure(tower, prepared, budget, data)

    def _is_one(self, items: Any, side: Side) -> bool:
        if is_stored(items):
            return bool(np.ndim(items) == 1)
        return self.side(side).reader().is_single(items)

    def _embeddings(self, items: Any, side: Side, options: dict[str, Any]) -> Tensor:
        if options.get("quantize") is not None:
            raise TwinnetError("quantize= makes codes, and codes are compared by an index: encode with it, then search")
        if is_stored(items):
            width = min(options.get("truncate_dim") or self.dim, self.tower.width)
            return stored_rows(items, width, f"on the {side}").to(self.device)
        rows = self.encode(items, side=side, **options)
        return torch.from_numpy(rows[None] if self._is_one(items, side) else rows).to(self.device)
