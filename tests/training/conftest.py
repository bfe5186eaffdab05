from __future__ import annotations

import numpy as np
import pytest

from twinnet.data.examples import Examples
from twinnet.supervision import Supervision


@pytest.fixture
def scored():
    """Pairs of sentences whose score is the share of words that they have in common."""
    rng = np.random.default_rng(1)
    words = "the a cat dog sits runs on in mat park big small red blue".split()
    left = [list(rng.choice(words, size=rng.integers(1, 12))) for _ in range(40)]
    right = [[*rng.choice(a, size=2), *rng.choice(words, size=rng.integers(1, 5))] for a in left]
    scores = [len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(left, right, strict=True)]
    columns = [" ".join(a) for a in left], [" ".join(b) for b in right]
    return Examples(columns, scores, Supervision.SCORED_PAIRS)


@pytest.fixture
def labelled_pictures():
    """Two classes of pictures, dark and bright, with noise."""
    rng = np.random.default_rng(2)
    labels = [0, 1] * 12
    pictures = [rng.integers(0, 100, (24, 24, 3)).astype(np.uint8) + np.uint8(120 * label) for label in labels]
    return Examples((pictures,), labels, Supervision.LABELS, ("dark", "bright"))
