"""One crop for training: cut with shift, scale and aspect, pasted elsewhere, covered, blurred, lit otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels
from twinnet.tracking.crops import exemplar_region, mean_colour
from twinnet.tracking.training.subjects import Pictures, Sighting

Random = np.random.Generator
Box = tuple[float, float, float, float]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a target is put in a crop, as seen from its usual place in the middle.

    Attributes:
        shift: By how many pixels of the crop, in x and y.
        scale: How much larger than usual, in x and y.
        flip: Whether it is mirrored.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = False


def to_crop(box: Box, size: int, exemplar_size: int, placement: Placement) -> Matrix:
    """The affine map (2, 3) from the picture to a crop, in coordinates where the corner pixel covers 0 to 1."""
    region = exemplar_region(box)
    scale = np.array(placement.scale) * exemplar_size / region.side * (-1.0 if placement.flip else 1.0, 1.0)
    middle = size / 2 + np.array(placement.shift)
    return np.column_stack([np.diag(scale), middle - scale * (region.x, region.y)])


def moved(box: Box, matrix: Matrix) -> Box:
    """A box of the picture in the crop."""
    x, y, w, h = box
    corners = matrix @ np.array([[x, x + w], [y, y + h], [1.0, 1.0]])  # (2, 2)
    low, high = corners.min(1), corners.max(1)
    return (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def warp(pixels: npt.NDArray[np.uint8], matrix: Matrix, size: int, border: tuple[float, ...]) -> npt.NDArray[np.uint8]:
    """A picture seen through an affine map, as a square of `size` pixels; averaged first where it shrinks a lot."""
    shrink = int(1 / np.abs(matrix[:, :2]).sum(1).max())
    if shrink >= 2:
        height, width = (max(1, round(length / shrink)) for length in pixels.shape[:2])
        by = np.array([pixels.shape[1] / width, pixels.shape[0] / height, 1.0])
        pixels, matrix = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), matrix * by
    # warpAffine counts from the middle of the corner pixel.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    warped: npt.NDArray[np.uint8] = cv2.warpAffine(
        pixels, centred, (size, size), flags=cv2.INTER_LINEAR, borderValue=border
    )
    return warped


def cut(pictures: Pictures, sighting: Sighting, matrix: Matrix, size: int) -> Pixels:
    """The crop of a sighting's picture that a matrix describes."""
    frame = pictures.colour(sighting.picture)
    return warp(frame, matrix, size, mean_colour(frame))


def paste(pictures: Pictures, sighting: Sighting, matrix: Matrix, onto: Pixels) -> Pixels:
    """The target alone, as its mask cuts it out, on another crop; its whole box without a mask."""
    frame = pictures.colour(sighting.picture)
    if sighting.mask is None:
        outline = np.zeros(frame.shape[:2], np.uint8)
        x, y, w, h = (round(value) for value in sighting.box)
        outline[max(0, y) : y + h, max(0, x) : x + w] = 255
    else:
        outline = pictures.mask(sighting.mask)
    size = onto.shape[0]
    alpha = cv2.GaussianBlur(warp(outline, matrix, size, (0,)), (3, 3), 0)[:, :, None] / np.float32(255)
    mixed = onto + (warp(frame, matrix, size, (0, 0, 0)) - onto.astype(np.float32)) * alpha
    pasted: Pixels = mixed.astype(np.uint8)
    return pasted


def cover(crop: Pixels, box: Box, patch: Pixels, rng: Random) -> Pixels:
    """Hide up to half of a box behind a patch that comes in from one side."""
    x, y, w, h = box
    share = rng.uniform(0.1, 0.5)
    wide, high = (w * share, h * 1.2) if rng.random() < 0.5 else (w * 1.2, h * share)
    left = x - 0.1 * w if rng.random() < 0.5 else x + 1.1 * w - wide
    top = y - 0.1 * h if rng.random() < 0.5 else y + 1.1 * h - high
    corners = np.array([[left, top], [left + wide, top + high]])
    a, b = np.clip(corners, 0, len(crop)).astype(int)
    covered = crop.copy()
    if (b - a).min() > 0:
        covered[a[1] : b[1], a[0] : b[0]] = cv2.resize(patch, (int(b[0] - a[0]), int(b[1] - a[1])))
    return covered


def disturb(crop: Pixels, rng: Random, strength: float = 1.0) -> Pixels:
    """Other light, less colour, motion blur, a coarser sensor, noise."""
    gain = np.exp(rng.normal(0, 0.15 * strength) + rng.normal(0, 0.05 * strength, 3))
    level = rng.normal(0, 12 * strength)
    gamma = np.exp(rng.normal(0, 0.15 * strength))
    levels = np.clip((np.arange(256)[:, None] / 255) ** gamma * 255 * gain + level, 0, 255)  # (256, 3)
    lit: Pixels = cv2.LUT(crop, levels.astype(np.uint8)[None])
    kind = rng.random()
    if kind < 0.12 * strength:
        lit = cv2.filter2D(lit, -1, _streak(int(rng.integers(3, 10)), rng.uniform(0, np.pi)))
    elif kind < 0.27 * strength:
        factor = rng.uniform(0.35, 0.8)
        coarse = cv2.resize(lit, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        lit = cv2.resize(coarse, lit.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    elif kind < 0.35 * strength:
        noisy = lit + rng.normal(0, rng.uniform(2, 10), lit.shape).astype(np.float32)
        lit = np.clip(noisy, 0, 255).astype(np.uint8)
    return lit


def greyed(crop: Pixels) -> Pixels:
    """Without colour, as cameras at night."""
    grey: Pixels = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return grey


def _streak(length: int, angle: float) -> npt.NDArray[np.float32]:
    """The kernel of a straight motion."""
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    reach = middle * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(int(v) for v in np.round(middle + sign * reach)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    kernel /= kernel.sum()
    return kernel
