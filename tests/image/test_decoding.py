from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from twinnet import TwinnetError
from twinnet.encoding import EncodeReport
from twinnet.errors import ItemError
from twinnet.image.decoding import decode


def as_file(picture, file_format="png", **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture
def grey():
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_sixteen_bits_are_scaled(grey, tmp_path):
    deep = grey.astype(np.uint16) * 257
    for item in (as_file(Image.fromarray(deep)), as_file(Image.fromarray(deep), "tiff"), deep):
        np.testing.assert_array_equal(decode(item, grey=True)[:, :, 0], grey)
        np.testing.assert_array_equal(decode(item), np.repeat(grey[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(decode(np.repeat(deep[:, :, None], 3, axis=2))[:, :, 1], grey)


def test_transparency_is_laid_on_white(grey):
    alpha = np.full_like(grey, 64)
    expected = grey * (64 / 255) + 255 * (191 / 255)
    rgba = np.dstack([grey, grey, grey, alpha])
    for item in (rgba, as_file(Image.fromarray(rgba)), as_file(Image.fromarray(np.dstack([grey, alpha]), "LA"))):
        np.testing.assert_allclose(decode(item)[:, :, 0], expected, atol=1.01)
    palette = Image.fromarray(grey % 4, "P")
    palette.putpalette([0, 0, 0, 90, 90, 90, 180, 180, 180, 7, 7, 7])
    seen = decode(as_file(palette, transparency=3))
    assert (seen[grey % 4 == 3] == 255).all()
    assert (seen[grey % 4 == 1] == 90).all()


def test_cmyk_and_one_bit(grey):
    solid = Image.new("CMYK", (9, 9), (0, 255, 255, 0))
    assert decode(as_file(solid, "jpeg"))[4, 4].tolist() == pytest.approx([255, 0, 0], abs=6)
    bits = decode(as_file(Image.fromarray(grey > 100)))
    np.testing.assert_array_equal(bits[:, :, 0], np.where(grey > 100, 255, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(orientation):
    upright = np.zeros((24, 16, 3), np.uint8)
    upright[:8, :8] = (200, 30, 90)
    undo = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
            5: lambda a: a.transpose(1, 0, 2), 6: np.rot90, 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
            8: lambda a: np.rot90(a, -1)}  # fmt: skip
    picture = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    exif = picture.getexif()
    exif[0x0112] = orientation
    file = as_file(picture, exif=exif)
    np.testing.assert_array_equal(decode(file), upright)
    with Image.open(io.BytesIO(file)) as opened:
        np.testing.assert_array_equal(decode(opened), upright)


@pytest.mark.parametrize("file_format", ["png", "webp", "jpeg"])
def test_a_damaged_exif_block_does_no_harm(file_format):
    file = as_file(Image.new("RGB", (16, 24), (200, 30, 90)), file_format, exif=b"Exif\0\0no such thing")
    assert decode(file).shape == (24, 16, 3)


def test_transparent_sixteen_bit_grey_is_white(grey):
    deep = Image.fromarray(np.where(grey > 100, 500, grey.astype(np.uint16)))
    seen = decode(as_file(deep, transparency=500), grey=True)[:, :, 0]
    assert (seen[grey > 100] == 255).all() and (seen[grey <= 100] == 0).all()


def test_an_opened_picture_may_be_among_the_items_many_times(image_network):
    file = as_file(Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)))
    with Image.open(io.BytesIO(file)) as opened:
        rows = image_network.encode([opened] * 12)
    np.testing.assert_allclose(rows, image_network.encode([file] * 12), atol=1e-6)


def test_an_opened_picture_that_is_damaged_is_left_out(image_network):
    file = as_file(Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)))
    report = EncodeReport()
    with Image.open(io.BytesIO(file[:900])) as opened:
        image_network.encode([file, opened], skip_bad=True, report=report)
        assert list(report.refused) == [1]
    with pytest.raises(ItemError, match="cannot be read"):
        decode(opened)


def test_a_large_jpeg_is_decoded_at_a_fraction_that_is_large_enough():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (75, 100, 3), dtype=np.uint8)).resize(
        (1600, 1200)
    )
    data = as_file(picture, "jpeg")
    assert decode(data).shape == (1200, 1600, 3)
    reduced = decode(data, least=224)
    assert reduced.shape == (300, 400, 3)
    whole = np.asarray(picture.resize((400, 300), Image.Resampling.BOX)).astype(float)
    assert np.abs(whole - reduced).mean() < 3


def huge_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def bad_pictures():
    good = as_file(Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)), "jpeg")
    png = as_file(Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)))
    return {
        "text": (b"not a picture", "unreadable"),
        "empty": (b"", "unreadable"),
        "truncated": (good[: len(good) // 2], "unreadable"),
        "corrupt": (png[:200] + bytes(50) + png[250:], "unreadable"),
        "huge": (huge_png(30_000, 30_000), "unreadable"),
        "large": (huge_png(9_000, 19_000), "unreadable"),
        "floating": (as_file(Image.fromarray(np.zeros((9, 9), np.float32)), "tiff"), "unreadable"),
        "tiny": (as_file(Image.new("RGB", (1, 1))), "too small"),
    }


@pytest.mark.parametrize("name", bad_pictures())
def test_bad_pictures_are_refused_with_a_reason(name, tmp_path):
    data, reason = bad_pictures()[name]
    path = tmp_path / f"{name}.jpg"
    path.write_bytes(data)
    for item in (path, str(path), data):
        with pytest.raises(ItemError) as refusal:
            decode(item, 3)
        assert (refusal.value.reason, refusal.value.position) == (reason, 3)
        assert isinstance(item, bytes) or path.name in str(refusal.value)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_or_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", tmp_path):
        with pytest.raises(ItemError, match="is no file"):
            decode(path)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["png", "jpeg", "gif", "bmp", "tiff", "webp"]))
def test_damaged_files_are_pictures_or_errors_that_name_them(data, file_format):
    good = bytearray(as_file(Image.fromarray(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)), file_format))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TwinnetError):
        assert decode(bytes(good), max_pixels=1_000_000).dtype == np.uint8


def test_one_bad_file_among_many_is_reported_and_the_others_embedded(image_network, tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i:03}.png" for i in range(300)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
    paths[270].write_bytes(b"text")
    report = EncodeReport()
    rows = image_network.encode([*paths, paths[270]], skip_bad=True, report=report)
    assert sorted(report.refused) == [270, 300]
    assert "270.png" in report.refused[270].problem
    assert np.isnan(rows[[270, 300]]).all()
    kept = [i for i in range(300) if i != 270]
    np.testing.assert_allclose(rows[kept[:5]], image_network.encode([paths[i] for i in kept[:5]]), atol=1e-5)
    assert np.isfinite(rows[kept]).all()
    with pytest.raises(TwinnetError, match="item 270: .*270.png"):
        image_network.encode(paths)
