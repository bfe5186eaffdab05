"""Indexes: embeddings kept for search."""

from twinnet.index.base import Index
from twinnet.index.buckets import BucketIndex
from twinnet.index.exact import ExactIndex
from twinnet.index.folder import load_index
from twinnet.index.hamming import HammingIndex
from twinnet.index.hashed import HashedIndex

__all__ = ["BucketIndex", "ExactIndex", "HammingIndex", "HashedIndex", "Index", "load_index"]
