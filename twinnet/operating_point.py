"""The threshold of a verdict, chosen on development data for a stated false match rate and saved with its network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from twinnet.errors import TwinnetError
from twinnet.registry import distances

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork

Rule = Literal["mean", "max", "centroid"]
FORMAT = 1


@dataclass(frozen=True)
class Rate:
    """An error rate that was measured.

    Attributes:
        errors: How many trials went wrong.
        trials: How many there were.
        low: The lower end of the 95 % confidence interval.
        high: Its upper end.
        effective: How many independent trials would give an interval as wide; fewer than `trials` where the same
            person, sentence or picture takes part in several of them.
    """

    errors: int
    trials: int
    low: float
    high: float
    effective: float

    @property
    def value(self) -> float:
        """Errors divided by trials."""
        return self.errors / self.trials

    def to_dict(self) -> dict[str, float]:
        """The numbers, the rate itself among them, for JSON."""
        return {"value": self.value, **asdict(self)}

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.errors:,} of {self.trials:,}; 95 % interval {self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Development:
    """The data that an operating point was chosen on, so that no report uses them again.

    Attributes:
        source: What the data are, in words.
        digest: A hash over scores and labels.
        pairs: The smallest of the hashes of its pairs: a sample that shows whether other data share pairs with it.
    """

    source: str
    digest: str
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, what it was chosen for, and what was measured when it was.

    Attributes:
        threshold: The score from which two items count as the same; larger is closer.
        target_fmr: The false match rate that was asked for.
        fmr: The false match rate on the development data: impostor pairs that scored `threshold` or more.
        fnmr: The false non-match rate: genuine pairs that scored less.
        slope: Of the score, in the logistic function that turns it into a probability.
        intercept: Likewise, for a prior of one half.
        system: What the scores depend on, see `system_of`.
        development: The development data.
        references: How many references of one identity an item is compared with.
        rule: How they become one: "mean" or "max" of the scores, or the score with their "centroid".
        target_fnmr: The false non-match rate, where that was asked for and `target_fmr` is what came with it: how often
            a tracker may report a target lost that it has.
    """

    threshold: float
    target_fmr: float
    fmr: Rate
    fnmr: Rate
    slope: float
    intercept: float
    system: Mapping[str, Any]
    development: Development
    references: int = 1
    rule: Rule = "mean"
    target_fnmr: float | None = None

    def accepts(self, score: float) -> bool:
        """Whether a score is a match."""
        return score >= self.threshold

    def probability(self, score: float, prior: float = 0.5) -> float:
        """The probability that two items are the same, given their score (Platt 1999, fitted on the development data).

        It claims no more than the data can show: n independent pairs, none of which scored so, leave a chance of about
        one in n + 1 that the next one does. So at even odds it stays within 1 / (n + 1) of 0 and of 1, n being the
        effective number of genuine pairs and of impostor pairs.

        Args:
            score: The score; larger is closer.
            prior: How probable it was before: the share of comparisons that are genuine where the network is used.

        Raises:
            TwinnetError: If the prior is not between 0 and 1.
        """
        if not 0 < prior < 1:
            raise TwinnetError(f"a prior of {prior}: it is a share between 0 and 1, and neither of them")
        evidence = self.slope * score + self.intercept
        evidence = min(max(evidence, -math.log1p(self.fnmr.effective)), math.log1p(self.fmr.effective))
        logit = evidence + math.log(prior / (1 - prior))
        return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))

    def check(self, network: TwinNetwork) -> None:
        """Refuse a network that scores otherwise than the one that was calibrated.

        Raises:
            TwinnetError: If its distance, a preprocess or the width of its embeddings is another one.
        """
        now = system_of(network)
        changed = [name.replace("_", " ") for name in now if now[name] != self.system.get(name)]
        if changed:
            raise TwinnetError(
                f"the {' and the '.join(changed)} changed since the operating point was chosen, so its threshold means "
                "nothing now: calibrate again (twinnet calibrate)"
            )

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """Read what `to_json` wrote.

        Args:
            text: The text.
            source: Where it stands, for messages.

        Raises:
            TwinnetError: If it is no operating point, or one of a newer format.
        """
        try:
            values = json.loads(text)
            number = values.pop("format")
            if number <= FORMAT:
                development = values["development"]
                values["development"] = Development(**development | {"pairs": tuple(development["pairs"])})
                return cls(**values | {name: Rate(**values[name]) for name in ("fmr", "fnmr")})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TwinnetError(f"{source}: no operating point ({error}): calibrate again") from error
        raise TwinnetError(f"{source}: format {number} is newer than this twinnet: upgrade it")


def system_of(network: TwinNetwork) -> dict[str, Any]:
    """What the scores of a network depend on apart from its weights; training drops the operating points."""
    return {
        "distance": json.loads(json.dumps(distances.spec_of(network.distance))),
        "preprocess": network.tower.reader().fingerprint(),
        "other_preprocess": network.other.reader().fingerprint() if network.other is not None else None,
        "width_of_embeddings": network.dim,
    }
