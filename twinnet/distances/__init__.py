"""How two embeddings are compared: each distance in its pairwise, matrix and dense form."""

from twinnet.distances.base import Distance
from twinnet.distances.hamming import Hamming
from twinnet.distances.learned import Mahalanobis, WeightedL1
from twinnet.distances.minkowski import Euclidean, Manhattan, SquaredEuclidean
from twinnet.distances.similarity import Cosine, Dot

__all__ = [
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
