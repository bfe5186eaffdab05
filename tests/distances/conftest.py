"""Distances as networks use them, the learned ones with random weights."""

from __future__ import annotations

import pytest
import torch

from twinnet.distances import Distance
from twinnet.registry import distances

NAMES = ["cosine", "dot", "euclidean", "hamming", "mahalanobis", "manhattan", "scaled-cosine", "sqeuclidean"]
NAMES += ["weighted-l1"]
ARGUMENTS = {"scaled-cosine": {"bias": 0.0}}


def make(name: str, dim: int) -> Distance:
    torch.manual_seed(dim)
    distance = distances.create_with({"name": name, **ARGUMENTS.get(name, {})}, dim=dim)
    for weight in distance.parameters():
        torch.nn.init.normal_(weight)
    return distance.double()


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(params=[name for name in NAMES if name != "hamming"])
def trainable(request):
    return request.param


@pytest.fixture
def create():
    return make
