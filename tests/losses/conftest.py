"""Random embeddings, and distances in plain Python as the oracles' own."""

from __future__ import annotations

import math

import pytest
import torch


def make_columns(seed, count, rows, dim):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, dim, generator=generator, dtype=torch.float64) for _ in range(count)]


@pytest.fixture(scope="session")
def columns():
    """columns(seed, count, rows, dim) -> that many random (rows, dim)."""
    return make_columns


def cosine(a, b):
    norms = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / norms if norms else 0.0


@pytest.fixture(scope="session")
def loop():
    """Scores, larger is closer, of two lists of numbers."""
    return {
        "cosine": cosine,
        "dot": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
        "euclidean": lambda a, b: -math.dist(a, b),
        "manhattan": lambda a, b: -sum(abs(x - y) for x, y in zip(a, b, strict=True)),
        "sqeuclidean": lambda a, b: -(math.dist(a, b) ** 2),
    }
