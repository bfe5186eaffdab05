"""What a data set knows about its items, and so which losses it can train."""

from __future__ import annotations

from enum import Enum


class Supervision(Enum):
    """Columns of items, and the target beside them."""

    PAIRS = "positive pairs: anchor, positive"
    SCORED_PAIRS = "pairs with a similarity from 0 to 1"
    LABELLED_PAIRS = "pairs with the label 1 (same) or 0 (different)"
    CLASS_PAIRS = "pairs with a class"
    TRIPLETS = "triplets: anchor, positive, negative, and perhaps further negatives"
    LABELS = "single items with a class label"
    LOCATED_PAIRS = "an exemplar, a picture to search, a recent look, and where the target is"
    ALIGNED_PAIRS = "two pictures of one scene, and where they show the same, 1, and where not, 0"
