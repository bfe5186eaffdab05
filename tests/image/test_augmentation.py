from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from twinnet import TwinnetError
from twinnet.image.augmentation import Augmentation
from twinnet.image.preprocess import ImagePreprocess

ARGUMENTS = {
    "RandomAffine": {"degrees": 20, "translate": [0.1, 0.1], "scale": [0.8, 1.2], "shear": 10},
    "RandomCrop": {"size": [20, 20]},
    "RandomRotation": {"degrees": 45},
    "RandomResizedCrop": {"size": [24, 24]},
    "RandomShortestSize": {"min_size": [20, 40]},
    "RandomResize": {"min_size": 20, "max_size": 60},
    "ScaleJitter": {"target_size": [40, 40]},
    "JPEG": {"quality": [5, 90]},
    "ColorJitter": {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.2},
    "GaussianBlur": {"kernel_size": 3, "sigma": [0.1, 3.0]},
    "RandomPosterize": {"bits": 2},
    "RandomSolarize": {"threshold": 100.0},
    "RandomAdjustSharpness": {"sharpness_factor": 3.0},
    "RandomApply": {"transforms": [{"name": "RandomRotation", "degrees": 30}]},
    "RandomChoice": {"transforms": ["RandomInvert", {"name": "RandomAffine", "degrees": 30}]},
    "RandomOrder": {"transforms": ["RandomGrayscale", {"name": "RandomAffine", "degrees": 30}]},
}
OF_OTHER_DATA = {"RandomIoUCrop", "ClampBoundingBoxes"}  # want boxes
RANDOM = sorted(
    name
    for name, kind in vars(v2).items()
    if inspect.isclass(kind)
    and issubclass(kind, v2.Transform)
    and (name.startswith(("Random", "Auto", "Rand", "Trivial", "AugMix", "Elastic", "Scale")) or name in ARGUMENTS)
    and name not in OF_OTHER_DATA
)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(20, 200, (48, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_alone_decides(name, picture):
    """For every random transform of torchvision: whatever torch's own generator holds, and without moving it."""
    augmentation = Augmentation([{"name": name, **ARGUMENTS.get(name, {})}])
    results = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        results.append([augmentation(picture, seed) for seed in range(8)])
        assert torch.equal(before, torch.get_rng_state())
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)
    assert any(a.shape != results[0][0].shape or (a != results[0][0]).any() for a in results[0][1:])


def test_equals_the_transform_itself(picture):
    spec = {"name": "RandomAffine", "degrees": 30, "scale": [0.7, 1.3]}
    torch.manual_seed(5)
    expected = v2.RandomAffine(degrees=30, scale=[0.7, 1.3])(torch.from_numpy(picture).permute(2, 0, 1))
    np.testing.assert_array_equal(Augmentation([spec])(picture, 5), expected.permute(1, 2, 0))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("RandomAfine", "did you mean 'RandomAffine'"),
        ("functional", "unknown transform"),
        ({"name": "RandomAffine"}, "degrees"),
        ({"name": "RandomAffine", "degrees": 3, "blur": 1}, "blur"),
        ({"degrees": 3}, "unknown transform"),
    ],
)
def test_bad_specs_are_refused(spec, message):
    with pytest.raises(TwinnetError, match=message):
        ImagePreprocess(augment=[spec])


def test_a_transform_that_cannot_take_pictures_is_refused(picture):
    with pytest.raises(TwinnetError, match="cannot be changed"):
        Augmentation([{"name": "GaussianNoise"}])(picture, 0)


def test_a_transform_that_changes_the_type_is_refused(picture):
    with pytest.raises(TwinnetError, match="float32"):
        Augmentation([{"name": "ToDtype", "dtype": torch.float32}])(picture, 0)


def test_pictures_are_changed_in_training_only(picture):
    preprocess = ImagePreprocess((48, 40), augment=[{"name": "RandomRotation", "degrees": [90, 90], "expand": True}])
    (trained,) = preprocess.prepare_for_training([picture], [0])
    (plain,) = preprocess.prepare([picture])
    np.testing.assert_array_equal(plain.data[0], picture)
    np.testing.assert_array_equal(trained.data[0], preprocess.fit(np.rot90(picture)))
    assert ImagePreprocess(**preprocess.config).config == preprocess.config


def test_a_result_of_the_right_size_is_not_cropped_again(picture):
    preprocess = ImagePreprocess((16, 16), crop=0.5, augment=[{"name": "Resize", "size": [16, 16]}])
    (trained,) = preprocess.prepare_for_training([picture], [0])
    expected = v2.functional.resize(torch.from_numpy(picture).permute(2, 0, 1), [16, 16])
    np.testing.assert_array_equal(trained.data[0], expected.permute(1, 2, 0))
