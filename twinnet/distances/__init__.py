"""How two embeddings are compared: pair by pair, all with all, at every place of a map, place by place."""

from twinnet.deferred import defer

# Takes longer to import than all else here, and pytorch-metric-learning needs it for a single function.
defer("scipy.stats")

from twinnet.distances.alignment import CellAlignment
from twinnet.distances.base import Distance
from twinnet.distances.hamming import Hamming
from twinnet.distances.learned import Mahalanobis, WeightedL1
from twinnet.distances.minkowski import Euclidean, Manhattan, SquaredEuclidean
from twinnet.distances.similarity import Cosine, Dot

__all__ = [
    "CellAlignment",
    "Cosine",
    "Distance",
    "Dot",
    "Euclidean",
    "Hamming",
    "Mahalanobis",
    "Manhattan",
    "SquaredEuclidean",
    "WeightedL1",
]
