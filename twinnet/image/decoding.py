"""Files, bytes, PIL images and arrays of any kind to upright uint8 pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from twinnet.errors import UNREADABLE, ItemError
from twinnet.preprocess import refuse

Pixels = npt.NDArray[np.uint8]

WANTED = (
    "the path or the bytes of a picture, a PIL image, or an array H x W (grey), H x W x 3 (RGB) or H x W x 4 (RGBA) "
    "of uint8 or uint16"
)
MAX_PIXELS = 100_000_000
MIN_SIDE = 4
TOO_SMALL = "too small"
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
LOCKS = tuple(Lock() for _ in range(16))
TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")


def decode(
    item: Any, position: int = 0, *, grey: bool = False, max_pixels: int = MAX_PIXELS, least: int | None = None
) -> Pixels:
    """The upright pixels of a picture.

    EXIF orientation is applied, transparency is laid on white, 16 bits are scaled to 8, and palettes, CMYK and 1-bit
    pictures become RGB. Of an animation it is the first frame. Size is checked before anything is decoded.

    Args:
        item: A path, the bytes of a file, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16.
        position: Its place among the items, for errors.
        grey: Whether to give one channel of luminance and not RGB.
        max_pixels: A picture with more is refused.
        least: A JPEG may be decoded at a half, quarter or eighth of its size as long as both sides keep so many pixels;
            it is decoded whole unless given.

    Returns:
        uint8 (H, W, 3), or (H, W, 1) if grey.

    Raises:
        ItemError: If it is no picture, or missing, damaged or too large (reason "unreadable"), or less than 4 pixels
            high or wide (reason "too small").
    """
    if isinstance(item, np.ndarray):
        return _of_array(item, position, grey, max_pixels)
    if isinstance(item, Image.Image):
        # One picture may be among the items twice, and Pillow does not read a file in two threads.
        with LOCKS[id(item) // 64 % len(LOCKS)], _reading("the picture", position):
            _check_size(item.size, "the picture", position, max_pixels)
            return _pixels(_upright(item), "the picture", position, grey)
    if isinstance(item, str | PathLike):
        if Path(item).exists() and not Path(item).is_file():  # a pipe would be waited for
            raise ItemError(position, f"{item} is no file", UNREADABLE)
        return _of_file(Path(item), str(item), position, grey, max_pixels, least)
    if isinstance(item, bytes):
        return _of_file(BytesIO(item), "the picture", position, grey, max_pixels, least)
    raise refuse(position, item, WANTED)


def _of_array(array: npt.NDArray[Any], position: int, grey: bool, max_pixels: int) -> Pixels:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ItemError(position, f"an array of {array.dtype} with shape {array.shape} is not {WANTED}")
    _check_size((array.shape[1], array.shape[0]), "the picture", position, max_pixels)
    if array.dtype == np.uint16:
        array = _eight_bits(array)
    if channels == (1 if grey else 3):
        return np.atleast_3d(array)
    return _pixels(Image.fromarray(array[:, :, 0] if array.ndim == 3 and channels == 1 else array), "", position, grey)


def _of_file(file: Path | BytesIO, name: str, position: int, grey: bool, max_pixels: int, least: int | None) -> Pixels:
    with _reading(name, position), Image.open(file) as picture:
        _check_size(picture.size, name, position, max_pixels)
        if least is not None:
            picture.draft("RGB", (least, least))
        return _pixels(_upright(picture), name, position, grey)


@contextmanager
def _reading(name: str, position: int) -> Iterator[None]:
    """What Pillow says of a picture that it cannot read, as the error of an item."""
    try:
        yield
    except ItemError:
        raise
    except FileNotFoundError as error:
        raise ItemError(position, f"{name}: no such file", UNREADABLE) from error
    except UnidentifiedImageError as error:
        raise ItemError(position, f"{name} is not a picture that can be read", UNREADABLE) from error
    except Image.DecompressionBombError as error:
        raise ItemError(position, f"{name} has more pixels than Pillow opens ({error})", UNREADABLE) from error
    except Exception as error:  # what Pillow's readers raise for damaged files depends on the format and the damage
        raise ItemError(position, f"{name} cannot be read ({error})", UNREADABLE) from error


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # of a damaged EXIF block, as of none, nobody knows a better side up
        return picture


def _check_size(size: tuple[int, int], name: str, position: int, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ItemError(position, f"{name} has {width} x {height} pixels, more than {max_pixels:,}", UNREADABLE)
    if min(size) < MIN_SIDE:
        raise ItemError(position, f"{name} has {width} x {height} pixels: {MIN_SIDE} x {MIN_SIDE} is least", TOO_SMALL)


def _pixels(picture: Image.Image, name: str, position: int, grey: bool) -> Pixels:
    mode = "L" if grey else "RGB"
    if picture.mode == "F":
        raise ItemError(position, f"{name} has floating-point pixels: save it with 8 or 16 bits", UNREADABLE)
    if picture.mode in SIXTEEN_BIT:
        deep = np.asarray(picture)
        clear = deep == picture.info.get("transparency", -1)
        picture = Image.fromarray(np.where(clear, np.uint8(255), _eight_bits(deep)))
    if picture.mode in TRANSPARENT or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return np.atleast_3d(np.asarray(picture.convert(mode)))


def _eight_bits(pixels: npt.NDArray[Any]) -> Pixels:
    """65535 becomes 255."""
    scaled: Pixels = ((np.clip(pixels, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)
    return scaled
