"""Random changes to fitted ink, such as one hand makes from one signature to the next."""

from __future__ import annotations

import cv2
import numpy as np

from twinnet.image.decoding import Pixels
from twinnet.image.warp import Places, source_places

# Largest change of each kind: what a hand varies by, and less than what tells a forgery.
ROTATION = 0.07  # radians
SCALE = 0.07
ASPECT = 0.04
SHEAR = 0.05
SHIFT = 0.05  # of the height
ELASTIC = 0.012  # standard deviation, of half the width
KNOTS = (4, 7)  # of the elastic grid


def vary_ink(ink: Pixels, seed: int) -> Pixels:
    """Move, turn, bend, thicken or thin ink (H, W) as `seed` decides."""
    rng = np.random.default_rng(seed)
    changed = cv2.remap(ink, *_places(ink.shape, rng), cv2.INTER_LINEAR, borderValue=0)
    return _stroke(changed, rng)


def _places(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Places, Places]:
    """Where each pixel comes from: x and y, (H, W) each."""
    height, width = shape
    angle, scale, aspect, shear = rng.uniform(-1, 1, 4) * (ROTATION, SCALE, ASPECT, SHEAR)
    shift = rng.uniform(-1, 1, 2) * SHIFT * height
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([[1 + aspect, shear], [0, 1 / (1 + aspect)]]) * (1 + scale)
    bend = rng.normal(0, ELASTIC * width / 2, (2, *KNOTS))
    return source_places((height, width), turn @ stretch, shift, bend)


def _stroke(ink: Pixels, rng: np.random.Generator) -> Pixels:
    """Another pen: thicker, or thinner and softer, and more or less ink."""
    kind, share, gain = rng.uniform(0, 1, 3)
    other = ink
    if kind < 0.3:
        other = cv2.dilate(ink, np.ones((3, 3), np.uint8))
    elif kind > 0.6:
        other = cv2.blur(ink, (3, 3))
    mixed = (1 - share) * ink.astype(np.float32) + share * other
    drawn: Pixels = np.clip(mixed * (1 + gain / 2), 0, 255).round().astype(np.uint8)
    return drawn
