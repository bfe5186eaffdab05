"""What can be found among embeddings: the nearest, the most similar pairs, groups, duplicates."""

from twinnet.mining.clusters import agglomerate, communities
from twinnet.mining.duplicates import Deduplication, deduplicate
from twinnet.mining.labels import Labelled, label
from twinnet.mining.pairs import Pair, most_similar_pairs
from twinnet.mining.search import search

__all__ = [
    "Deduplication",
    "Labelled",
    "Pair",
    "agglomerate",
    "communities",
    "deduplicate",
    "label",
    "most_similar_pairs",
    "search",
]
