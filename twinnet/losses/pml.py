"""Every loss and miner of pytorch-metric-learning, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from twinnet.distances import Distance
from twinnet.errors import TwinnetError
from twinnet.losses import pml_library as library
from twinnet.losses import pml_repairs as repairs
from twinnet.losses.base import Loss, columns_of, no_loss, resolve_distance, target_of
from twinnet.supervision import Supervision


class MetricLearningLoss(Loss):
    """A loss of pytorch-metric-learning, on labels, pairs or triplets.

    What differs from calling the library (https://github.com/KevinMusgrave/pytorch-metric-learning) itself:

    - Pairs are compared column with column, with the other rows as negatives; labelled pairs and triplets are compared
      as the data says. Losses that compare a batch only with itself see the columns joined. A loss that cannot learn
      from the data at hand is refused: some would return zero in silence.
    - `ContrastiveLoss`, `SignalToNoiseRatioContrastiveLoss` and `TripletMarginLoss` average over all pairs or triplets,
      as their papers do; `reducer="AvgNonZeroReducer"` is the library's mean of those above zero.
    - The network's distance is used unless the loss insists on one of its own, or has constants, such as a margin, that
      hold on the scale of another one.
    - `SmoothAPLoss` sorts the batch by label and wants as many items of each class as there are classes: with other
      batches the library (2.9) computes something else. `ManifoldLoss` takes its meta-classes from the labels.
    - State that is not a weight is a buffer, so that it is checkpointed.

    `NTXentLoss` on pairs equals the loss "infonce", which needs memory for B^2 values where it needs B^3.

    Args:
        name: The class name of the loss, as in "ArcFaceLoss".
        miner: The class name of a miner, or a mapping with the key "name" and its options, for labels and pairs.
        dim: Width of the embeddings, for losses with weights.
        classes: Number of classes, for losses with weights.
        distance: The distance of the network in training; or a name, which the loss must then be able to use.
        **kwargs: Options of the loss. `reducer` and the regularizers are given as `miner` is.

    Raises:
        TwinnetError: If a name or option is unknown or does not fit.
    """

    needs = frozenset({Supervision.LABELS, *library.LEARNS_FROM})

    def __init__(
        self,
        name: str,
        miner: str | Mapping[str, Any] | None = None,
        dim: int | None = None,
        classes: int | None = None,
        distance: str | Distance | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        shared = None if distance is None else resolve_distance(distance)
        self.name = name
        self.loss = library.make("loss", name, library.fitting(name, dim, classes) | kwargs, shared)
        if isinstance(distance, str) and self.loss.distance is not shared:
            raise TwinnetError(f"{name} cannot use the distance {distance!r}: leave it out, and the loss uses its own")
        self.miner = self._make_miner(miner, shared)
        self.needs = library.learns_from(name)
        # Swapped triplets compare positives with negatives, which are in different columns.
        self.joins = name in library.JOINING or bool(kwargs.get("swap"))
        repairs.keep_state(name, self.loss)

    def _make_miner(self, spec: str | Mapping[str, Any] | None, distance: Distance | None) -> Any:
        if spec is None:
            return None
        if self.name in library.UNMINED:
            raise TwinnetError(f"{self.name} does not use mined pairs: leave the miner out")
        return library.make_from("miner", spec, distance)

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Compute the loss of a batch.

        Args:
            columns: One column (B, D) of labelled items; two of pairs; three or more of triplets.
            target: Integer labels (B,) of items; labels (B,) of pairs, 1 = same, or None if all are positive.

        Returns:
            A scalar.

        Raises:
            TwinnetError: If the loss cannot learn from such data.
        """
        kind = self._kind(len(columns), target)
        columns = columns_of(columns, 1, or_more=True)
        try:
            if kind is Supervision.LABELS:
                loss = self._of_labels(columns[0], target_of(target, columns))
            elif kind is Supervision.LABELLED_PAIRS:
                loss = self._of_labelled_pairs(columns[0], columns[1], target_of(target, columns) > 0)
            elif kind is Supervision.PAIRS:
                loss = self._of_pairs(columns[0], columns[1])
            else:
                loss = self._of_triplets(columns[0], *columns[1:])
        except (AssertionError, ValueError) as error:
            raise TwinnetError(f"{self.name}: {error}") from error
        finally:
            repairs.forget_graph(self.name, self.loss)
        return loss

    def _kind(self, columns: int, target: Tensor | None) -> Supervision:
        pairs = Supervision.PAIRS if target is None else Supervision.LABELLED_PAIRS
        kind = {1: Supervision.LABELS, 2: pairs}.get(columns, Supervision.TRIPLETS)
        if kind not in self.needs:
            able = " or ".join(sorted(need.value for need in self.needs))
            raise TwinnetError(f"{self.name} cannot learn from {kind.value}: it needs {able}")
        if self.miner is not None and kind in {Supervision.LABELLED_PAIRS, Supervision.TRIPLETS}:
            raise TwinnetError(f"a miner chooses pairs, the data gives {kind.value}: leave the miner out")
        return kind

    def _of_labels(self, items: Tensor, labels: Tensor) -> Tensor:
        if self.name == "ManifoldLoss":
            return self._scalar(self.loss(items, indices_tuple=labels % self.loss.K))
        items, labels = repairs.arranged(self.name, items, labels)
        mined = None if self.miner is None else self.miner(items, labels)
        return self._scalar(self.loss(items, labels, mined))

    def _of_pairs(self, a: Tensor, b: Tensor) -> Tensor:
        if len(a) < 2:
            return no_loss(a) + no_loss(b)
        if self.name == "VICRegLoss":
            return self._scalar(self.loss(a, ref_emb=b))
        rows = torch.arange(len(a), device=a.device)
        if self.joins:
            return self._of_labels(torch.cat([a, b]), rows.repeat(2))
        # The library takes the labels of one object for one batch, whose diagonal it drops: they must be two.
        mined = None if self.miner is None else self.miner(a, rows, b, rows.clone())
        return self._scalar(self.loss(a, rows, mined, b, rows.clone()))

    def _of_labelled_pairs(self, a: Tensor, b: Tensor, same: Tensor) -> Tensor:
        rows = torch.arange(len(a), device=a.device)
        partners = torch.where(same, rows, rows + len(a))
        return self._compare(a, b, partners, (rows[same], rows[same], rows[~same], rows[~same]))

    def _of_triplets(self, anchor: Tensor, *others: Tensor) -> Tensor:
        rows = torch.arange(len(anchor), device=anchor.device)
        partners = torch.arange(len(anchor) * len(others), device=anchor.device)  # the positives come first
        pairs = (rows, rows, rows.repeat(len(others) - 1), partners[len(anchor) :])
        return self._compare(anchor, torch.cat(others), partners, pairs)

    def _compare(self, rows: Tensor, others: Tensor, partners: Tensor, pairs: Sequence[Tensor]) -> Tensor:
        """Compare rows (B, D) with others (M, D), labelled `partners` (M,), in the given pairs of indices."""
        own = torch.arange(len(rows), device=rows.device)
        anchors, positives, anchors_too, negatives = pairs
        if all(len(indices) <= 1 for indices in pairs):  # the library drops a single pair: say it twice
            if len(anchors):
                anchors, positives = anchors.repeat(2), positives.repeat(2)
            else:
                anchors_too, negatives = anchors_too.repeat(2), negatives.repeat(2)
        if not self.joins:
            given = (anchors, positives, anchors_too, negatives)
            return self._scalar(self.loss(rows, own, given, others, partners))
        given = (anchors, positives + len(rows), anchors_too, negatives + len(rows))
        return self._scalar(self.loss(torch.cat([rows, others]), torch.cat([own, partners]), given))

    def _scalar(self, loss: Tensor) -> Tensor:
        return loss.reshape(())
