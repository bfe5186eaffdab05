"""What tells a run from others, besides its settings."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from twinnet.component import Component
from twinnet.data.examples import Examples
from twinnet.training.plan import StepPlan


def described(part: Component) -> str:
    """A part with its arguments, as text; parts among those are told by their type alone."""
    return json.dumps([type(part).__name__, part.config], sort_keys=True, default=lambda other: type(other).__name__)


def data_digest(examples: Examples, plan: StepPlan) -> str:
    """A hash of what is known of each row, where that is a number, and of the first epoch's batches."""
    digest = hashlib.sha256()
    target = examples.target
    if target is not None and np.ndim(target[0]) == 0:
        digest.update(np.asarray([float(target[row]) for row in range(len(target))]).tobytes())
    for batch in plan.batches.epoch(0):
        digest.update(batch.tobytes() + b"|")
    return digest.hexdigest()
