"""What a run gave."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TrainingResult:
    """What a run gave.

    Attributes:
        losses: The loss of each step, from the first one of the whole run.
        evaluations: What the evaluator gave, with the step.
        best: The best evaluation, whose weights the network has now; None without an evaluator.
        seconds: How long this process trained.
    """

    losses: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    seconds: float = 0.0
