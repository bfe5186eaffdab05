"""Items that give an embedding, those that give none (failures to acquire), and the trials that are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.encoder import Array, Side
from twinnet.encoding import EncodeReport
from twinnet.errors import ItemError, TwinnetError
from twinnet.network import TwinNetwork
from twinnet.operating_point import Rule
from twinnet.verification.trials import Scores, Trials

Refused = Mapping[int, ItemError]
SHOWN = 3


@dataclass(frozen=True)
class Failure:
    """An item that gives no ground for a verdict.

    Attributes:
        item: The item.
        reason: Why, in a few words ("no face found").
        problem: Why, in full.
    """

    item: Any
    reason: str
    problem: str


@dataclass(frozen=True)
class EmbeddedItems:
    """Items with their embeddings, and which of them gave none.

    Attributes:
        usable: Whether each item gave an embedding (M,).
        left: The embeddings as probes (M, D); NaN where there is none.
        right: The same as references.
        failures: The items without.
    """

    usable: npt.NDArray[np.bool_]
    left: Array
    right: Array
    failures: tuple[Failure, ...]

    def failure_to_acquire(self) -> dict[str, Any]:
        """What gave no embedding, for JSON: counts, and each item with its reason."""
        return {
            "items": len(self.failures),
            "of": len(self.usable),
            "reasons": dict(Counter(failure.reason for failure in self.failures).most_common()),
            "left_out": [{"item": str(failure.item), "reason": failure.reason} for failure in self.failures],
        }


@dataclass(frozen=True)
class Acquired(Trials):
    """Trials that have their embeddings, without those that an item without ground takes part in.

    Attributes:
        embedded: The items of all trials, with those that were left out.
        trials_left_out: How many trials went with them.
    """

    embedded: EmbeddedItems
    trials_left_out: int

    def scores(self, network: TwinNetwork, rule: Rule = "mean", progress: bool | None = None) -> Scores:
        """The score of each trial (N,), from the embeddings; nothing is embedded again."""
        del progress
        usable = self.embedded.usable
        return self.compare(network, self.embedded.left[usable], self.embedded.right[usable], rule)

    def failure_to_acquire(self) -> dict[str, Any]:
        """What was left out, for JSON: counts, and each item with its reason."""
        return {**self.embedded.failure_to_acquire(), "trials_left_out": self.trials_left_out}


def embed_items(network: TwinNetwork, items: Sequence[Any], progress: bool | None = None) -> EmbeddedItems:
    """Embed items, each once for each side, and note those that give no ground for a verdict.

    Such items (no face found, a blank page, too small) are counted and not compared: an error rate holds for the
    comparisons that take place, and the share of items without ground stands beside it. A damaged or missing file is no
    such item but a mistake in the data.

    Args:
        network: What embeds.
        items: The items (M).
        progress: Whether to show a bar; unless given, only on a terminal.

    Raises:
        TwinnetError: If items cannot be taken (damaged, missing, of the wrong kind), after all were tried; the message
            names the first ones.
    """
    left, refused = _embed(network, items, "left", progress)
    right = left
    if network.other is not None:
        right, further = _embed(network, items, "right", progress)
        refused = {**refused, **further}
    _check_readable(refused, len(items))
    usable = np.ones(len(items), dtype=bool)
    usable[list(refused)] = False
    failures = tuple(Failure(items[i], str(refused[i].reason), refused[i].problem) for i in sorted(refused))
    return EmbeddedItems(usable, left, right, failures)


def acquire(network: TwinNetwork, trials: Trials, progress: bool | None = None) -> Acquired:
    """Embed the items of trials, and leave out the trials with an item that gives no ground, see `embed_items`.

    Args:
        network: What embeds.
        trials: The trials; those that are acquired already come back as they are.
        progress: Whether to show a bar; unless given, only on a terminal.

    Raises:
        TwinnetError: If items cannot be taken, or no trial is left.
    """
    if isinstance(trials, Acquired):
        return trials
    embedded = embed_items(network, trials.items, progress)
    usable = embedded.usable
    kept = usable[trials.probes] & usable[trials.references].all(axis=1)
    if not kept.any():
        count = len(embedded.failures)
        raise TwinnetError(f"{trials.source}: no comparison is left, {count:,} items give no ground for one")
    place = np.cumsum(usable) - 1
    return Acquired(
        [item for item, good in zip(trials.items, usable, strict=True) if good],
        place[trials.probes[kept]],
        place[trials.references[kept]],
        trials.same[kept],
        trials.owners[usable],
        trials.source,
        embedded,
        int((~kept).sum()),
    )


def _embed(network: TwinNetwork, items: Sequence[Any], side: Side, progress: bool | None) -> tuple[Array, Refused]:
    report = EncodeReport()
    rows = network.encode(items, side=side, progress=progress, report=report, skip_bad=True)
    return rows, report.refused


def _check_readable(refused: Refused, total: int) -> None:
    bad = [refused[position].problem for position in sorted(refused) if refused[position].is_bad_input]
    if bad:
        more = f"; and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
        raise TwinnetError(
            f"{len(bad):,} of {total:,} items cannot be taken: {'; '.join(bad[:SHOWN])}{more}: mend or remove them"
        )
