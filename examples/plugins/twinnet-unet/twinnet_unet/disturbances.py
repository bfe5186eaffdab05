"""What differs between two pictures of one scene though nothing has changed: light, camera, place of the camera."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels

Random = np.random.Generator

SHIFT = 2.0
TURN = 1.0
ZOOM = 0.01


def relight(picture: Pixels, rng: Random) -> Pixels:
    """Another brightness, contrast and colour of the light, which falls in from one side."""
    height, width = picture.shape[:2]
    gamma = np.exp(rng.normal(0, 0.2))
    gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    slope = rng.normal(0, 0.12, 2)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    field = np.exp(slope[0] * y + slope[1] * x)[:, :, None]  # (H, W, 1)
    return _to_bytes((picture / 255.0) ** gamma * 255 * gain * field + rng.normal(0, 6))


def photograph_again(picture: Pixels, rng: Random) -> Pixels:
    """Noise, blur and compression of a camera."""
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9))
    noisy = _to_bytes(picture + rng.normal(0, rng.uniform(0, 5), picture.shape))
    _, file = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def misregister(picture: Pixels, rng: Random) -> Pixels:
    """Shifted by up to 2 pixels on each axis, turned by up to 1 degree, 1 % larger or smaller."""
    height, width = picture.shape[:2]
    turn, zoom = rng.uniform(-TURN, TURN), 1 + rng.uniform(-ZOOM, ZOOM)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, zoom)
    matrix[:, 2] += rng.uniform(-SHIFT, SHIFT, 2)
    moved: Pixels = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return moved


def _to_bytes(values: npt.NDArray[np.float64]) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)
