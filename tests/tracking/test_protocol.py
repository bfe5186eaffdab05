from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinNetwork
from twinnet.tracking.protocol import target_places


@pytest.mark.parametrize(("exemplar_size", "search_size"), [(127, 255), (128, 256)])
def test_the_best_window_of_a_padded_backbone_is_where_the_exemplar_was_cut(exemplar_size, search_size):
    torch.manual_seed(0)
    network = TwinNetwork("timm/resnet10t", head=[])
    left, top = 96, 32  # multiples of the stride
    search = torch.randn(1, 3, search_size, search_size)
    exemplar = search[:, :, top : top + exemplar_size, left : left + exemplar_size]
    with torch.inference_mode():
        embedded = network({"pixels": exemplar})
        # Cells at the rim see padding instead of the picture: only the middle of the exemplar is compared.
        kernel = embedded[:, :, 1:-1, 1:-1]
        scores = network.score_map(kernel, network({"pixels": search}))[0]
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    stride = network.tower.backbone.stride
    places = target_places(len(scores), stride, exemplar_size, embedded.shape[2], kernel.shape[2])
    assert places[[column, row]].tolist() == [left + exemplar_size / 2, top + exemplar_size / 2]


def test_the_middle_cell_of_siamfc_is_the_middle_of_the_crop():
    places = target_places(17, 8, 127, 6)
    assert places[8] == 255 / 2
    assert np.diff(places).tolist() == [8] * 16
