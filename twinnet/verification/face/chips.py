"""Aligned faces: a similarity transform from landmarks, and pixels under it as dlib takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels

Array = npt.NDArray[np.float64]

# The corners of the eye in the picture's right half (outer, inner), of the other eye (outer, inner) and the place under
# the nose, in a face of side 1 (dlib/image_transforms/interpolation.h, get_face_chip_details).
DLIB_FACE = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
PADDING = 0.25
# The eyes, the tip of the nose and the corners of the mouth in a picture of 112 pixels (Deng et al. 2019, insightface).
ARCFACE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
ARCFACE_SIZE = 112
# Each finder's points in the other crop: their median over 49 photographs in which both finders see the same face.
YUNET_IN_DLIB = ((0.3086, 0.3054), (0.6847, 0.2994), (0.4874, 0.5273), (0.3349, 0.6975), (0.6723, 0.6949))
DLIB_IN_ARCFACE = ((0.7041, 0.4781), (0.5875, 0.4788), (0.2892, 0.4751), (0.4065, 0.4745), (0.4925, 0.7160))

# Where the points of each finder should be in a chip of side 1, for each crop.
TEMPLATES = {
    "dlib": {"dlib": (np.array(DLIB_FACE) + PADDING) / (2 * PADDING + 1), "yunet": np.array(YUNET_IN_DLIB)},
    "arcface": {"dlib": np.array(DLIB_IN_ARCFACE), "yunet": np.array(ARCFACE) / ARCFACE_SIZE},
}
# The shift of dlib's pyramid_down<2>, which drops a border of two pixels.
DOWN_SHIFT = np.array([1.25, 0.75])
BINOMIAL = (1, 4, 6, 4, 1)


def similarity_transform(source: npt.ArrayLike, target: npt.ArrayLike) -> Array:
    """The rotation, scale and shift that takes points nearest to others in the least squares (Umeyama 1991).

    Args:
        source: (N, 2).
        target: (N, 2).

    Returns:
        A matrix (2, 3).
    """
    a, b = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    covariance = (b - mean_b).T @ (a - mean_a) / len(a)
    u, values, v = np.linalg.svd(covariance)
    signs = np.array([1.0, -1.0 if np.linalg.det(covariance) < 0 else 1.0])
    spread = (a - mean_a).var(0).sum()
    scale = (values * signs).sum() / spread if spread > 0 else 1.0
    turn = scale * (u * signs) @ v
    return np.column_stack([turn, mean_b - turn @ mean_a])


def chip(image: Pixels, landmarks: npt.ArrayLike, template: npt.ArrayLike, size: int) -> Pixels:
    """An aligned face, taken as dlib takes it (`dlib.get_face_chip`).

    Args:
        image: (H, W, 3).
        landmarks: Points of the face (P, 2) in pixels.
        template: Where these points should be in a chip of side 1 (P, 2).
        size: Side of the chip in pixels.

    Returns:
        (size, size, 3), black where the picture ends.
    """
    transform = similarity_transform(np.asarray(template) * size, landmarks)
    centre = transform @ (size / 2, size / 2, 1)
    axis = transform[:, 0]
    # dlib's rectangles end at their last pixel.
    reach = (
        (size * np.hypot(*axis) - 1) / 2 * np.array([axis, (-axis[1], axis[0])]).T / np.hypot(*axis)
    )  # columns: right, down
    image, centre, reach = _reduce(image, centre, reach, size)
    corner = centre - reach.sum(1)
    return warp(image, np.column_stack([2 * reach / (size - 1), corner]), (size, size))


def warp(image: Pixels, transform: Array, shape: tuple[int, int]) -> Pixels:
    """Pixels under an affine transform, bilinear, truncated; black where the picture ends, all as dlib does it.

    Args:
        image: (H, W, 3).
        transform: Takes places of the result to places of the picture (2, 3).
        shape: Height and width of the result.

    Returns:
        (height, width, 3).
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    x = transform[0, 0] * columns + transform[0, 1] * rows + transform[0, 2]
    y = transform[1, 0] * columns + transform[1, 1] * rows + transform[1, 2]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    inside = (left >= 0) & (top >= 0) & (left + 1 < image.shape[1]) & (top + 1 < image.shape[0])
    result = np.zeros((*shape, image.shape[2]), dtype=np.uint8)
    left, top = left[inside], top[inside]
    across, down = (x[inside] - left)[:, None].astype(np.float32), (y[inside] - top)[:, None].astype(np.float32)
    upper = image[top, left] * (1 - across) + image[top, left + 1] * across
    lower = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
    result[inside] = upper * (1 - down) + lower * down
    return result


def _reduce(image: Pixels, centre: Array, reach: Array, size: int) -> tuple[Pixels, Array, Array]:
    """The part of a picture around a turned square, halved until the square is not much larger than the chip."""
    half = np.hypot(*reach[:, 0])
    depth, border = 0, 2
    while half / 2 ** (depth + 1) * 2 + 1 > size:
        depth, border = depth + 1, 2 * border + 2
    extent = np.abs(reach).sum(1) + border
    low = np.maximum(np.floor(centre - extent + 0.5), 0).astype(int)
    high = np.floor(np.maximum(centre + extent + 0.5, 0)).astype(int) + 1
    image, centre = image[low[1] : high[1], low[0] : high[0]], centre - low
    for _ in range(depth):
        image, centre, reach = _halve(image), centre / 2 - DOWN_SHIFT, reach / 2
    return image, centre, reach


def _halve(image: Pixels) -> Pixels:
    """Half the size by a binomial filter of five taps, without the border (dlib's pyramid_down<2>)."""
    wide: npt.NDArray[Any] = image.astype(np.uint16)
    columns, rows = (image.shape[1] - 3) // 2, (image.shape[0] - 3) // 2
    if columns < 1 or rows < 1:
        return image[:0, :0]
    wide = np.add.reduce([tap * wide[:, at : at + 2 * columns - 1 : 2] for at, tap in enumerate(BINOMIAL)])
    wide = np.add.reduce([tap * wide[at : at + 2 * rows - 1 : 2] for at, tap in enumerate(BINOMIAL)])
    return (wide // 256).astype(np.uint8)
