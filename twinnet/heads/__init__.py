"""Heads: features in, embedding out."""

from twinnet.heads.base import Head, HeadLayer, build_head
from twinnet.heads.pooling import Pooling
from twinnet.heads.projection import Dense, LayerNorm, Normalize

__all__ = ["Dense", "Head", "HeadLayer", "LayerNorm", "Normalize", "Pooling", "build_head"]
