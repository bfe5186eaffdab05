"""Trials whose items all gave an embedding, and the items that gave none: failures to acquire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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
class Acquired(Trials):
    """Trials that have their embeddings, without those that an item without ground takes part in.

    Attributes:
        left: The embeddings of the items (M, D) as probes.
        right: The same as references.
        failures: The items that were left out.
        items_tried: How many items there were with them.
        trials_left_out: How many trials went with them.
    """

    left: Array
    right: Array
    failures: tuple[Failure, ...]
    items_tried: int
    trials_left_out: int

    def scores(self, network: TwinNetwork, rule: Rule = "mean", progress: bool | None = None) -> Scores:
        """The score of each trial (N,), from the embeddings; nothing is embedded again."""
        del progress
        return self.compare(network, self.left, self.right, rule)

    def failure_to_acquire(self) -> dict[str, Any]:
        """What was left out, for JSON: counts, and each item with its reason."""
        return {
            "items": len(self.failures),
            "of": self.items_tried,
            "trials_left_out": self.trials_left_out,
            "reasons": dict(Counter(failure.reason for failure in self.failures).most_common()),
            "left_out": [{"item": str(failure.item), "reason": failure.reason} for failure in self.failures],
        }


def acquire(network: TwinNetwork, trials: Trials, progress: bool | None = None) -> Acquired:
    """Embed the items of trials, each once for each side, and leave out those that give no ground for a verdict.

    Such items (no face found, a blank page, too small) are counted and not compared: an error rate holds for the
    comparisons that take place, and the share of items without ground stands beside it. A damaged or missing file is no
    such item but a mistake in the data.

    Args:
        network: What embeds.
        trials: The trials; those that are acquired already come back as they are.
        progress: Whether to show a bar; unless given, only on a terminal.

    Raises:
        TwinnetError: If items cannot be taken (damaged, missing, of the wrong kind), after all were tried; the message
            names the first ones. Or if no trial is left.
    """
    if isinstance(trials, Acquired):
        return trials
    left, refused = _embed(network, trials, "left", progress)
    right = left
    if network.other is not None:
        right, further = _embed(network, trials, "right", progress)
        refused = {**refused, **further}
    _check_readable(refused, len(trials.items))
    usable = np.ones(len(trials.items), dtype=bool)
    usable[list(refused)] = False
    kept = usable[trials.probes] & usable[trials.references].all(axis=1)
    if not kept.any():
        raise TwinnetError(f"{trials.source}: no comparison is left, {len(refused):,} items give no ground for one")
    place = np.cumsum(usable) - 1
    return Acquired(
        [item for item, good in zip(trials.items, usable, strict=True) if good],
        place[trials.probes[kept]],
        place[trials.references[kept]],
        trials.same[kept],
        trials.owners[usable],
        trials.source,
        left[usable],
        right[usable],
        tuple(Failure(trials.items[i], str(refused[i].reason), refused[i].problem) for i in sorted(refused)),
        len(trials.items),
        int((~kept).sum()),
    )


def _embed(network: TwinNetwork, trials: Trials, side: Side, progress: bool | None) -> tuple[Array, Refused]:
    report = EncodeReport()
    rows = network.encode(trials.items, side=side, progress=progress, report=report, skip_bad=True)
    return rows, report.refused


def _check_readable(refused: Refused, total: int) -> None:
    bad = [refused[position].problem for position in sorted(refused) if refused[position].is_bad_input]
    if bad:
        more = f"; and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
        raise TwinnetError(
            f"{len(bad):,} of {total:,} items cannot be taken: {'; '.join(bad[:SHOWN])}{more}: mend or remove them"
        )
