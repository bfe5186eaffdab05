from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.features import Features
from twinnet.heads.views import Views


@pytest.mark.parametrize("shape", [(5,), (3, 2, 2)])
def test_the_mean_over_views(shape):
    rows = torch.randn(6, *shape)
    found = Views(3)(Features(rows)).values
    assert torch.allclose(found[0], (rows[0] + rows[1] + rows[2]) / 3)
    assert torch.allclose(found[1], (rows[3] + rows[4] + rows[5]) / 3)


def test_a_head_that_counts_other_views_than_the_preprocess_is_refused():
    two_views = {"name": "views", "count": 2}
    network = TwinNetwork("timm/resnet10t", two_views, preprocess={"name": "image", "size": [32, 32]})
    pictures = [np.full((32, 32, 3), i, np.uint8) for i in range(4)]
    with pytest.raises(TwinnetError, match="2 embeddings of 4 items"):
        network.encode(pictures)
    with pytest.raises(TwinnetError, match="at least 1"):
        Views(0)
