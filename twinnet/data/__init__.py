"""Reading data, and arranging it for training."""

from twinnet.data.examples import (
    Examples,
    class_pairs,
    labelled,
    labelled_pairs,
    positive_pairs,
    scored_pairs,
    triplets,
)
from twinnet.data.samplers import Batches, ClassBalancedBatches, DistinctBatches, GroupedBatches, ShuffledBatches
from twinnet.data.tables import Table, read_column, read_table

__all__ = [
    "Batches",
    "ClassBalancedBatches",
    "DistinctBatches",
    "Examples",
    "GroupedBatches",
    "ShuffledBatches",
    "Table",
    "class_pairs",
    "labelled",
    "labelled_pairs",
    "positive_pairs",
    "read_column",
    "read_table",
    "scored_pairs",
    "triplets",
]
