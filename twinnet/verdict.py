"""Are two items the same? A verdict at an operating point, or none with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twinnet.embeddings import is_stored, stored_rows
from twinnet.errors import ItemError, TwinnetError
from twinnet.operating_point import OperatingPoint, Rule

if TYPE_CHECKING:
    from twinnet.encoder import Side
    from twinnet.network import TwinNetwork

Embedding = npt.NDArray[np.float32]
Scores = npt.NDArray[Any]


@dataclass(frozen=True)
class Verdict:
    """What `TwinNetwork.verify` says.

    Attributes:
        match: True for the same, False for different, None where an item gives no ground for a decision.
        reason: Why there is no decision, in a few words ("no face found"); None where there is one.
        score: The score of the pair; larger is closer.
        probability: That they are the same, if both were equally probable before (see `OperatingPoint.probability`).
        threshold: The score from which they count as the same.
        fmr: The false match rate at that threshold, as measured on the development data.
        detail: The reason in full, with the item that gives no ground.
    """

    match: bool | None
    reason: str | None
    score: float | None
    probability: float | None
    threshold: float
    fmr: float
    detail: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The values by name, for JSON: all but the detail."""
        values = asdict(self)
        del values["detail"]
        return values


def verify(network: TwinNetwork, item: Any, other: Any, references: Sequence[Any] | None) -> Verdict:
    """See `TwinNetwork.verify`."""
    if (other is None) == (references is None):
        raise TwinnetError("verify compares one item either with another one or with references=[...]")
    if isinstance(references, str | bytes | PathLike):
        raise TwinnetError(f"references={references!r} is one item: give a list of them")
    enrolled = [other] if references is None else list(references)
    point = operating_point_for(network, len(enrolled))
    names = ["second item"] if references is None else [f"reference {i + 1}" for i in range(len(enrolled))]
    rows: list[Embedding] = []
    for name, raw in zip(["first item", *names], [item, *enrolled], strict=True):
        try:
            rows.append(_embed(network, raw, "right" if rows else "left", name))
        except ItemError as error:
            detail = f"{name}: {error.problem}"
            if error.reason is None:
                raise TwinnetError(detail) from error
            return Verdict(None, error.reason, None, None, point.threshold, point.fmr.value, detail)
    score = float(score_against(network, rows[0][None], np.stack(rows[1:])[None], point.rule)[0])
    return Verdict(point.accepts(score), None, score, point.probability(score), point.threshold, point.fmr.value)


def score_against(network: TwinNetwork, items: Embedding, references: Embedding, rule: Rule) -> Scores:
    """One score of each item with several references: embeddings (N, D) and (N, R, D) -> (N,).

    The centroid is that of embeddings as they are: where they have unit length, references that differ among each other
    give a shorter one, and so under the cosine a larger score to what is as near to all of them. It suits identities
    that vary more than others.
    """
    if rule == "centroid":
        return np.asarray(network.score(items, references.mean(1)))
    scores = np.stack([network.score(items, references[:, r]) for r in range(references.shape[1])], axis=-1)  # (N, R)
    combined: Scores = scores.max(axis=-1) if rule == "max" else scores.mean(axis=-1)
    return combined


def operating_point_for(network: TwinNetwork, references: int = 1) -> OperatingPoint:
    """The operating point for so many references, checked against the network.

    Raises:
        TwinnetError: If there is none, or the network changed since.
    """
    point = network.operating_points.get(references)
    if point is not None:
        point.check(network)
        return point
    known = ", ".join(map(str, sorted(network.operating_points)))
    lacking = f" for {references} references, only for {known}" if known else ""
    option = f" --references {references}" if references > 1 else ""
    raise TwinnetError(
        f"this network has no operating point{lacking}, and a verdict needs a threshold with a known false match rate: "
        f"choose one on your own pairs with `twinnet calibrate MODEL PAIRS --target-fmr 0.001{option}`"
    )


def _embed(network: TwinNetwork, item: Any, side: Side, name: str) -> Embedding:
    """One embedding (D,)."""
    stored = stored_rows(item, network.dim, f"of the {name}").detach().cpu().numpy() if is_stored(item) else None
    if stored is not None and len(stored) == 1:
        embedding: Embedding = stored[0]
        return embedding
    if stored is not None or not network.side(side).reader().is_single(item):
        raise TwinnetError(f"{name}: verify takes one item here; references= takes several of one identity")
    return network.encode(item, side=side)
