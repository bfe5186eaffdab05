"""The twin network: two inputs through shared weights, and a distance between what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.distances import Distance
from twinnet.embeddings import as_embeddings, is_stored, stored_rows
from twinnet.encoding import EncodeReport, encode
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.heads.base import Head, HeadSpecs
from twinnet.operating_point import OperatingPoint
from twinnet.quantization import Int8Ranges, finisher
from twinnet.registry import distances
from twinnet.tower import BackboneSpec, PreprocessSpec, Tower

if TYPE_CHECKING:
    from twinnet.verdict import Verdict

Side = Literal["left", "right"]
Array = npt.NDArray[Any]


class TwinNetwork(nn.Module):
    """Embeds items of any modality and compares the embeddings.

    Wherever raw items are taken, stored embeddings are taken too: a floating-point array (D,) or (N, D) that `encode`
    has made. So everything can be embedded once and compared often.

    Args:
        backbone: A backbone, its name ("timm/resnet18"), or a mapping with its name and arguments.
        head: A head layer or several, likewise ("pooling/mean"); mean pooling where there is something to pool.
        distance: A distance, likewise ("cosine").
        preprocess: A preprocess, likewise ("image"); the one that the backbone asks for unless given.
        other: The second tower of a half-twin, for the right side of each comparison. Without it, both sides share one.

    Raises:
        TwinnetError: If a name is unknown, or the two towers differ in the width of their embeddings.
    """

    distance: Distance

    def __init__(
        self,
        backbone: BackboneSpec,
        head: HeadSpecs | Head | None = None,
        distance: str | Mapping[str, Any] | Distance = "cosine",
        preprocess: PreprocessSpec = None,
        other: Tower | None = None,
    ) -> None:
        super().__init__()
        self.tower = Tower(backbone, head, preprocess)
        self.other = other
        self.distance = (
            distance if isinstance(distance, Distance) else distances.create_with(distance, dim=self.tower.width)
        )
        self.int8_ranges: Int8Ranges | None = None
        self.truncate_dim: int | None = None
        self.operating_points: dict[int, OperatingPoint] = {}
        if other is not None and other.width != self.tower.width:
            raise TwinnetError(
                f"the towers give embeddings of width {self.tower.width} and {other.width}: give one of them a head "
                "that brings both to one width"
            )
        self.eval()

    def side(self, side: Side = "left") -> Tower:
        """The tower of a side; both sides have the same one unless the network is a half-twin."""
        if side not in ("left", "right"):
            raise TwinnetError(f"unknown side {side!r}: 'left' or 'right'")
        return self.other if side == "right" and self.other is not None else self.tower

    @property
    def dim(self) -> int:
        """The width of the embeddings that `encode` gives."""
        return min(self.truncate_dim or self.tower.width, self.tower.width)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.tower.device

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The operating point for one item against one other; `operating_points` has all, by number of references.

        Setting it adds it to those, and None drops them all.
        """
        return self.operating_points.get(1)

    @operating_point.setter
    def operating_point(self, point: OperatingPoint | None) -> None:
        if point is None:
            self.operating_points.clear()
        else:
            self.operating_points[point.references] = point

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
        precision: str = "float32",
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
            precision: "float32", or "bf16": nearly the same embeddings, faster where the processor can multiply so.
            progress: Whether to show a bar on standard error; unless given, only on a terminal.
            report: Filled with what happened: truncated and refused items, tokens, seconds.
            skip_bad: Whether an item that cannot be taken is noted in the report, its row NaN (0 if quantised), and the
                others are embedded; otherwise the first such item is an error.
            **options: Options of the preprocess for this call, such as `prompt` for text.

        Returns:
            An array (N, D), or (D,) for one item: float32, int8, or uint8 (N, ceil(D / 8)) for binary.

        Raises:
            TwinnetError: If an item or an option cannot be taken; the message names it.
        """
        if truncate_dim is not None and truncate_dim < 1:
            raise TwinnetError(f"truncate_dim is {truncate_dim}: it is a number of dimensions, at least 1")
        tower = self.side(side)
        preprocess = tower.reader().vary(**options)
        single = preprocess.is_single(items)
        rows = encode(
            tower,
            [items] if single else items,
            preprocess,
            finish=finisher(min(truncate_dim or self.dim, tower.width), normalize, quantize, self.int8_ranges),
            precision=precision,
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
            TwinnetError: As `encode` does; an item's position counts within its chunk. Or if `chunk` is less than 1.
        """
        if chunk < 1:
            raise TwinnetError(f"chunk is {chunk}: it is a number of items, at least 1")
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

    def similarity(self, left: Any, right: Any, **options: Any) -> Array:
        """Score all items on the left with all on the right; larger is closer.

        Args:
            left: Raw items or stored embeddings.
            right: Likewise.
            **options: As for `encode`.

        Returns:
            Scores (N, M).
        """
        a, b = self._embeddings(left, "left", options), self._embeddings(right, "right", options)
        with torch.inference_mode():
            return _array(self.distance.to_score(self.distance.matrix(a, b)))

    def score(self, left: Any, right: Any, **options: Any) -> Array | float:
        """Score pairs, row by row; larger is closer.

        Args:
            left: Raw items or stored embeddings.
            right: As many.
            **options: As for `encode`.

        Returns:
            Scores (N,), or one number for one pair.

        Raises:
            TwinnetError: If there are more on one side.
        """
        single = self._is_one(left, "left") and self._is_one(right, "right")
        a, b = self._embeddings(left, "left", options), self._embeddings(right, "right", options)
        if len(a) != len(b):
            raise TwinnetError(f"{len(a)} items on the left and {len(b)} on the right: pairs need as many on each side")
        with torch.inference_mode():
            scores = _array(self.distance.to_score(self.distance.pairwise(a, b)))
        return float(scores[0]) if single else scores

    def verify(self, item: Any, other: Any = None, *, references: Sequence[Any] | None = None) -> Verdict:
        """Say whether two items are the same, or one and several references of one identity.

        Args:
            item: A raw item or a stored embedding (D,).
            other: Likewise.
            references: Instead of `other`: several of them. There has to be an operating point for so many; its rule
                says how their scores become one.

        Returns:
            The verdict: the same, different, or, where an item gives no ground (no face is found, a page is blank), no
            decision with the reason.

        Raises:
            TwinnetError: If the network has no operating point, or changed since it was chosen (see
                `twinnet calibrate`), or an item cannot be taken.
        """
        from twinnet.verdict import verify

        return verify(self, item, other, references)

    @property
    def index_metric(self) -> str:
        """The metric by which an index ranks `comparable` embeddings as this network's distance does.

        Raises:
            TwinnetError: If no index can rank that way.
        """
        metric = self.distance.index_metric
        if metric is None:
            name = type(self.distance).__name__
            raise TwinnetError(f"no index ranks by the distance {name}: compare with similarity() instead")
        return metric

    def comparable(self, embeddings: Any) -> Array:
        """Embeddings as an index with `index_metric` takes them: a learned distance has mapped them to its space."""
        with torch.inference_mode():
            rows = torch.as_tensor(np.atleast_2d(embeddings)).to(self.device, torch.float32)
            return _array(self.distance.embedded(rows))

    def score_map(self, exemplar: Batch | Tensor, search: Batch | Tensor) -> Tensor:
        """Score an exemplar at every place of a search map; larger is closer.

        Args:
            exemplar: A batch for the left side, or the feature map (B, C, h, w) that came out of it.
            search: A batch for the right side, or its feature map (B, C, H, W).

        Returns:
            Scores (B, H-h+1, W-w+1).
        """
        left = exemplar if isinstance(exemplar, Tensor) else self(exemplar, "left")
        right = search if isinstance(search, Tensor) else self(search, "right")
        return self.distance.to_score(self.distance.dense(left, right))

    def save(self, folder: str | Path) -> Path:
        """Write the network into a folder, atomically; nothing is pickled.

        Args:
            folder: A new folder, or one that holds a saved network, which is replaced.

        Returns:
            The folder.
        """
        from twinnet.folder import save

        return save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder that `save` wrote.

        Raises:
            TwinnetError: If a file is missing, truncated or changed; the message names it.
        """
        from twinnet.folder import load

        return load(cls, Path(folder))

    def _is_one(self, items: Any, side: Side) -> bool:
        if is_stored(items):
            return bool(np.ndim(items) == 1)
        return self.side(side).reader().is_single(items)

    def _embeddings(self, items: Any, side: Side, options: dict[str, Any]) -> Tensor:
        if is_stored(items):
            return stored_rows(items, self.dim, f"on the {side}").to(self.device)
        return torch.from_numpy(np.atleast_2d(self.encode(items, side=side, **options))).to(self.device)


def _array(scores: Tensor) -> Array:
    array: Array = scores.float().cpu().numpy()
    return array
