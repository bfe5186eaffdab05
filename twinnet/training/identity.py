"""What tells a run from others, besides its settings."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from torch import nn

from twinnet.component import Component
from twinnet.data.examples import Examples
from twinnet.training.plan import StepPlan


def described(part: Component) -> str:
    """A part with its arguments, as text; parts among those are told by their type alone."""
    return json.dumps([type(part).__name__, part.config], sort_keys=True, default=lambda other: type(other).__name__)


def names_digest(module: nn.Module) -> str:
    """A hash of the names of the weights that are trained."""
    names = [name for name, weight in module.named_parameters() if weight.requires_grad]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def data_digest(examples: Examples, plan: StepPlan) -> str:
    """A hash of texts, names of files, what is known of each row where that is a number, and the first batches."""
    digest = hashlib.sha256()
    for column in examples.columns:
        if isinstance(column[0], str | Path):
            for item in column:
                digest.update(f"{item.name if isinstance(item, Path) else item}\0".encode(errors="surrogatepass"))
    target = examples.target
    if target is not None and np.ndim(target[0]) == 0:
        digest.update(np.asarray([float(target[row]) for row in range(len(target))]).tobytes())
    for batch in plan.batches.epoch(0):
        digest.update(batch.tobytes() + b"|")
    return digest.hexdigest()
