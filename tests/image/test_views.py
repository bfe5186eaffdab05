from __future__ import annotations

import numpy as np
import pytest

from twinnet import TwinnetError, TwinNetwork
from twinnet.image.preprocess import ImagePreprocess
from twinnet.image.views import View


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_exact(picture, turns):
    np.testing.assert_array_equal(View(degrees=90 * turns)(picture), np.rot90(picture, turns))


def test_a_view_at_half_the_scale_shows_the_picture_in_its_middle_with_a_repeated_rim(picture):
    plain = np.full((25, 25, 1), 200, np.uint8)
    plain[:, 12] = 0
    seen = View(scale=0.5)(plain)
    assert seen.shape == plain.shape
    assert seen[12, 12] == 0
    assert (seen[:, 10] == 200).all()  # the line is half as thick
    assert (seen[[0, -1], 12] == 0).all()


def test_embeddings_of_views_are_averaged(picture):
    views = [{"degrees": 90}, {"scale": 0.5}]
    seen = {"name": "image", "size": [16, 16], "views": views}
    many = TwinNetwork("timm/resnet10t", ["pooling", {"name": "views", "count": 3}], preprocess=seen)
    one = TwinNetwork("timm/resnet10t", "pooling", preprocess={"name": "image", "size": [16, 16]})
    one.load_state_dict(many.state_dict())
    expected = one.encode([picture, np.rot90(picture).copy(), View(scale=0.5)(picture)]).mean(0)
    np.testing.assert_allclose(many.encode([picture, picture])[1], expected, rtol=1e-4, atol=1e-5)


def test_training_sees_the_same_views_of_changed_pictures(picture):
    turned = [{"name": "RandomRotation", "degrees": [90, 90]}]
    preprocess = ImagePreprocess([24, 24], augment=turned, views=[{"degrees": 90}])
    (prepared,) = preprocess.prepare_for_training([picture], [0])
    np.testing.assert_array_equal(prepared.data, [np.rot90(picture), np.rot90(picture, 2)])


@pytest.mark.parametrize(("view", "message"), [({"degree": 3}, "degree"), ({"scale": 0}, "above 0")])
def test_a_view_that_makes_no_sense(view, message):
    with pytest.raises(TwinnetError, match=message):
        ImagePreprocess(views=[view])
