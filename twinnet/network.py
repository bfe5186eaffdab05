"""The twin network: two inputs through shared weights, and a distance between what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from twinnet.acceleration.precision import to_numpy
from twinnet.distances import Distance
from twinnet.embeddings import as_rows
from twinnet.encoder import Array, TwinEncoder
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.heads.base import Head, HeadSpecs
from twinnet.operating_point import OperatingPoint
from twinnet.registry import distances
from twinnet.tower import BackboneSpec, PreprocessSpec, Tower

if TYPE_CHECKING:
    from twinnet.verdict import Verdict


class TwinNetwork(TwinEncoder):
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
        super().__init__(Tower(backbone, head, preprocess), other)
        self.distance = (
            distance if isinstance(distance, Distance) else distances.create_with(distance, dim=self.tower.width)
        )
        self.operating_points: dict[int, OperatingPoint] = {}
        self.eval()

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

    def similarity(self, left: Any, right: Any, **options: Any) -> Array:
        """Score all items on the left with all on the right; larger is closer.

        Args:
            left: Raw items or stored embeddings.
            right: Likewise.
            **options: As for `encode`.

        Returns:
            Scores (N, M).

        Raises:
            TwinnetError: If the embeddings are maps.
        """
        a, b = self._embeddings(left, "left", options), self._embeddings(right, "right", options)
        if a.ndim > 2:
            raise TwinnetError("the embeddings are maps, and only vectors are compared all with all: use score_places")
        with torch.inference_mode():
            return to_numpy(self.distance.to_score(self.distance.matrix(a, b)))

    def score(self, left: Any, right: Any, **options: Any) -> Array | float:
        """Score pairs, row by row; larger is closer. Embeddings that are maps are compared place by place.

        Args:
            left: Raw items or stored embeddings.
            right: As many.
            **options: As for `encode`.

        Returns:
            Scores (N,), or one number for one pair; of maps the mean over all places.

        Raises:
            TwinnetError: If there are more on one side, or maps differ in size.
        """
        single = self._is_one(left, "left") and self._is_one(right, "right")
        a, b = self._embeddings(left, "left", options), self._embeddings(right, "right", options)
        if len(a) != len(b):
            raise TwinnetError(f"{len(a)} items on the left and {len(b)} on the right: pairs need as many on each side")
        with torch.inference_mode():
            values = self.distance.pairwise(a, b) if a.ndim == 2 else self.distance.aligned(a, b).mean((1, 2))
            scores = to_numpy(self.distance.to_score(values))
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
            return to_numpy(self.distance.embedded(as_rows(embeddings).to(self.device)))

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

    def score_places(self, left: Batch | Tensor, right: Batch | Tensor) -> Tensor:
        """Score two pictures of one scene place by place, with gradients; larger is closer.

        Args:
            left: A batch for the left side, or the feature map (B, C, H, W) that came out of it.
            right: A batch for the right side, or its feature map, of the same size.

        Returns:
            Scores (B, H, W).
        """
        a = left if isinstance(left, Tensor) else self(left, "left")
        b = right if isinstance(right, Tensor) else self(right, "right")
        return self.distance.to_score(self.distance.aligned(a, b))

    def save(self, folder: str | Path) -> Path:
        """Write the network into a folder, atomically; nothing is pickled.

        Args:
            folder: A new folder, or one that holds a saved network, which is replaced; other files in it stay.

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
