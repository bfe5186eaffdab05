from __future__ import annotations

import numpy as np
import pytest

from twinnet.errors import TwinnetError
from twinnet.tracking.crops import crop, exemplar_region, mean_colour
from twinnet.tracking.preprocess import TrackingPreprocess

FRAME = np.random.default_rng(0).integers(0, 256, size=(60, 80, 3), dtype=np.uint8)


def test_crops_are_normalised_and_an_exemplar_is_cut_from_a_frame():
    preprocess = TrackingPreprocess(31, 63, mean=(1, 2, 3), std=(2, 4, 8))
    box = (20, 10, 12, 18)
    cut = crop(FRAME, exemplar_region(box), 31, mean_colour(FRAME))
    pixels = preprocess.collate(preprocess.prepare([cut, (FRAME, box)]))["pixels"]
    expected = (cut.astype(np.float32) - [1, 2, 3]) / [2, 4, 8]
    for picture in pixels.numpy():
        assert picture.transpose(1, 2, 0) == pytest.approx(expected)


@pytest.mark.parametrize("item", [FRAME.astype(float), FRAME[..., 0], (FRAME, (1, 2, 3)), (FRAME, (1, 2, 0, 3)), "x"])
def test_what_is_no_crop_is_refused(item):
    with pytest.raises(TwinnetError, match="item 0"):
        TrackingPreprocess().prepare([item])


@pytest.mark.parametrize(
    "options",
    [
        {"exemplar_size": 255},
        {"search_size": 256},
        {"std": (1, 0, 1)},
        {"inference": {"speed": 1}},
        {"inference": {"scales": 2}},
        {"inference": {"scales": 0}},
        {"inference": {"scales": 1.5}},
        {"inference": {"upsampling": 0}},
    ],
)
def test_sizes_and_constants_have_to_fit(options):
    with pytest.raises(TwinnetError):
        TrackingPreprocess(**options)
