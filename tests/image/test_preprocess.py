from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from twinnet import TwinnetError
from twinnet.image.preprocess import ImagePreprocess


def prepared(preprocess, item):
    return preprocess.collate(preprocess.prepare([item]))["pixels"][0].numpy()


def test_normalises_each_channel():
    preprocess = ImagePreprocess((4, 6), mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
    flat = np.full((9, 9, 3), (0, 51, 255), np.uint8)
    channels = prepared(preprocess, flat)[:, 2, 3]
    np.testing.assert_allclose(channels, [(0 - 0.1) / 0.5, (0.2 - 0.2) / 0.25, (1 - 0.3) / 2], atol=1e-6)
    assert prepared(preprocess, flat).shape == (3, 4, 6)


def test_every_mode_of_picture_becomes_rgb(tmp_path):
    preprocess = ImagePreprocess((8, 8))
    rgb = Image.fromarray(np.full((10, 12, 3), 128, np.uint8))
    expected = prepared(preprocess, rgb)
    for mode in ("L", "RGBA", "CMYK", "P", "1"):
        picture = Image.new("RGB", (12, 10), (128, 128, 128)).convert(mode)
        path = tmp_path / f"{mode}.tiff"
        picture.save(path)
        for item in (picture, path, str(path)):
            assert prepared(preprocess, item).shape == (3, 8, 8)
        if mode in ("L", "RGBA"):
            np.testing.assert_allclose(prepared(preprocess, path), expected, atol=0.02)
    assert prepared(preprocess, np.zeros((5, 5), np.uint8)).shape == (3, 8, 8)
    assert prepared(ImagePreprocess((8, 8), mean=[0.5], std=[0.5]), rgb).shape == (1, 8, 8)


def test_exif_turns_the_picture_upright(tmp_path):
    upright = np.zeros((20, 10, 3), np.uint8)
    upright[:10] = 255
    turned = Image.fromarray(np.rot90(upright).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # show it turned by 90 degrees clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    preprocess = ImagePreprocess((20, 10))
    np.testing.assert_array_equal(prepared(preprocess, tmp_path / "turned.png"), prepared(preprocess, upright))


def test_the_centre_is_kept():
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = 255
    cropped = prepared(ImagePreprocess((8, 8), mean=(0,) * 3, std=(1,) * 3, crop=1.0), wide)
    np.testing.assert_allclose(cropped, 1, atol=1e-6)
    squashed = prepared(ImagePreprocess((8, 8), mean=(0,) * 3, std=(1,) * 3), wide)
    assert squashed.min() == 0


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "lanczos"])
def test_a_filter_of_pillow_is_that_of_pillow(pictures, resample):
    plain = {"mean": (0,) * 3, "std": (1 / 255,) * 3, "resample": resample}
    whole, centre = ImagePreprocess((24, 30), **plain), ImagePreprocess((24, 24), crop=24 / 29, **plain)
    for picture in pictures:
        image = Image.fromarray(picture)
        wanted = image.resize((30, 24), Image.Resampling[resample.upper()])
        np.testing.assert_allclose(prepared(whole, picture), np.asarray(wanted).transpose(2, 0, 1), atol=1e-3)
        shorter = min(image.size)
        width, height = (int(29 * side / shorter) for side in image.size)
        left, top = (width - 24) // 2, (height - 24) // 2
        wanted = image.resize((width, height), Image.Resampling[resample.upper()])
        wanted = np.asarray(wanted.crop((left, top, left + 24, top + 24)))
        np.testing.assert_allclose(prepared(centre, picture), wanted.transpose(2, 0, 1), atol=1e-3)


def test_a_filter_and_awkward_pictures():
    grey = ImagePreprocess((8, 6), mean=[0.0], std=[1.0], crop=0.9, resample="bicubic")
    assert prepared(grey, np.full((5, 5), 255, np.uint8)).shape == (1, 8, 6)
    long = np.zeros((4, 1_000_000, 3), np.uint8)  # enlarged as a whole it would have 168 million pixels
    long[:, 499_970:500_030] = 255
    assert prepared(ImagePreprocess((13, 13), (0,) * 3, (1,) * 3, crop=1.0, resample="bicubic"), long).min() > 0.99
    with pytest.raises(TwinnetError, match="'bicubik': did you mean 'bicubic'"):
        ImagePreprocess(resample="bicubik")


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    Image.new("1", (3000, 3000)).save(tmp_path / "large.png")
    with pytest.raises(TwinnetError, match=r"item 0: .*large\.png has 3000 x 3000 pixels"):
        ImagePreprocess((8, 8), max_pixels=1_000_000).prepare([tmp_path / "large.png"])


def bad_files(folder):
    good = folder / "good.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)).save(good)
    contents = {"text.jpg": b"not a picture", "empty.jpg": b"", "half.jpg": good.read_bytes()[:700]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in (*contents, "missing.jpg")]


def test_bad_files_are_named(image_network, tmp_path, pictures):
    for path in bad_files(tmp_path):
        with pytest.raises(TwinnetError, match=rf"item {len(pictures)}: .*{path.name}"):
            image_network.encode([*pictures, path])


@pytest.mark.parametrize(
    "options",
    [
        {"std": (0, 1, 1)}, {"mean": (np.nan, 0, 0)}, {"size": (0, 5)}, {"size": 5}, {"size": (1, 2, 3)},
        {"crop": 0}, {"crop": 2.0}, {"views": [{"scale": np.nan}]}, {"ink": 2},
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(options):
    with pytest.raises(TwinnetError, match=next(iter(options)).rstrip("s")):
        ImagePreprocess(**options)


@pytest.mark.parametrize("bad", [None, 3, np.zeros((2, 2, 3)), np.zeros((0, 4, 3), np.uint8), [1, 2]])
def test_bad_items_are_named(image_network, pictures, bad):
    with pytest.raises(TwinnetError, match="item 1"):
        image_network.encode([pictures[0], bad])


def test_what_one_picture_is(image_network, pictures):
    assert image_network.encode(pictures[0]).shape == (512,)
    assert image_network.encode(Image.fromarray(pictures[0])).shape == (512,)
    assert image_network.encode(np.stack([np.zeros((8, 8, 3), np.uint8)] * 3)).shape == (3, 512)
