"""Indexes: embeddings kept for search."""

from twinnet.index.base import Index
from twinnet.index.exact import ExactIndex

__all__ = ["ExactIndex", "Index"]
