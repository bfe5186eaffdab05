"""Contestants that take turns, and the ratios of their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from twinnet.bench.machine import gflops


class Run(NamedTuple):
    """One turn of a contestant: how long it took, and what came out."""

    seconds: float
    result: Any


class Ratio(NamedTuple):
    """How many times as fast as another, round by round.

    Attributes:
        median: Over the rounds.
        least: Of all rounds.
        greatest: Likewise.
    """

    median: float
    least: float
    greatest: float


@dataclass
class Contest:
    """What the contestants did with one piece of work.

    Attributes:
        name: The work.
        amount: How many units of it each had.
        unit: What a unit is.
        ours: The contestants of twinnet.
        peers: The others.
        runs: For each contestant the turns it had, one a round.
        ceiling: The most GFLOP/s that float32 matrix products reached, measured between the rounds.
        operations: The floating-point operations that the work cannot do without, where they are known.
        quality: What is known of each contestant's results.
    """

    name: str
    amount: int
    unit: str
    ours: tuple[str, ...]
    peers: tuple[str, ...]
    runs: dict[str, list[Run]]
    ceiling: float
    operations: float | None = None
    quality: dict[str, dict[str, float]] = field(default_factory=dict)

    def seconds(self, name: str) -> float:
        """The median time of a contestant."""
        return float(np.median([run.seconds for run in self.runs[name]]))

    def rate(self, name: str) -> float:
        """Units a second."""
        return self.amount / self.seconds(name)

    def gflops(self, name: str) -> float | None:
        """Billions of necessary operations a second, to be compared with the ceiling."""
        return None if self.operations is None else self.operations / self.seconds(name) / 1e9

    def ratios(self) -> dict[tuple[str, str], Ratio]:
        """How many times as fast as each peer each of ours is."""
        return {(ours, peer): self._ratio(ours, peer) for ours in self.ours for peer in self.peers}

    def _ratio(self, ours: str, peer: str) -> Ratio:
        pairs = zip(self.runs[ours], self.runs[peer], strict=True)
        ratios = [theirs.seconds / own.seconds for own, theirs in pairs]
        return Ratio(float(np.median(ratios)), min(ratios), max(ratios))

    def as_dict(self) -> dict[str, Any]:
        """All figures, as --json shows them."""
        contestants = {
            name: {
                "seconds": [run.seconds for run in runs],
                "rate": self.rate(name),
                "gflops": self.gflops(name),
                **self.quality.get(name, {}),
            }
            for name, runs in self.runs.items()
        }
        ratios = [{"of": ours, "to": peer, **ratio._asdict()} for (ours, peer), ratio in self.ratios().items()]
        return {
            "work": self.name,
            "amount": self.amount,
            "unit": self.unit,
            "ceiling_gflops": self.ceiling,
            "contestants": contestants,
            "ratios": ratios,
        }


def hold(
    name: str,
    ours: Mapping[str, Callable[[], Any]],
    peers: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    amount: int = 1,
    unit: str = "run",
    operations: float | None = None,
    device: torch.device | str = "cpu",
) -> Contest:
    """Let contestants do the same work in turns; every other round in reverse, so that nobody is always first.

    Args:
        name: The work.
        ours: The contestants of twinnet, each a function that does all of it.
        peers: The others.
        rounds: How many turns each has.
        amount: The units of the work.
        unit: What a unit is.
        operations: The floating-point operations that the work needs.
        device: Where it is done.
    """
    contestants = {**ours, **peers}
    runs: dict[str, list[Run]] = {each: [] for each in contestants}
    ceiling = 0.0
    for number in range(rounds):
        ceiling = max(ceiling, gflops(device=device))
        for each in list(contestants)[:: -1 if number % 2 else 1]:
            begin = time.perf_counter()
            result = contestants[each]()
            runs[each].append(Run(time.perf_counter() - begin, result))
    return Contest(name, amount, unit, tuple(ours), tuple(peers), runs, ceiling, operations)
