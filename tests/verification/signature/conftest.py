import cv2
import numpy as np
import pytest


def draw(strokes, height=240, width=480, thickness=3):
    """Dark strokes on white paper, uint8 (H, W, 3)."""
    paper = np.full((height, width, 3), 255, np.uint8)
    for stroke in strokes:
        points = np.asarray(stroke, np.int32).reshape(-1, 1, 2)
        cv2.polylines(paper, [points], False, (0, 0, 0), thickness, cv2.LINE_AA)
    return paper


def scribble(seed, count=4, height=240, width=480):
    """Strokes such as a signature has: smooth curves from left to right, with margins around."""
    rng = np.random.default_rng(seed)
    strokes = []
    for number in range(count):
        t = np.linspace(0, 1, 40)
        left = 50 + number * (width - 140) / count
        x = left + t * (width - 140) / count * rng.uniform(0.7, 1.2) + 12 * np.sin(2 * np.pi * t * rng.uniform(1, 3))
        y = height / 2 + rng.uniform(40, 70) * np.sin(2 * np.pi * t * rng.uniform(0.7, 2) + rng.uniform(0, 6))
        strokes.append(np.stack([x, y], axis=1))
    return strokes


@pytest.fixture
def signature():
    return draw(scribble(0))
