"""Signatures: a verdict against one reference and against several, and pages that give no ground for one.

python examples/signature.py [QUESTIONED REFERENCE ...]
"""

import sys

import cv2
import numpy as np

import twinnet


def written(hand: int, time: int, seed: int = 0) -> np.ndarray:
    """Drawn strokes: the same hand draws nearly the same curves each time; uint8 (240, 480, 3), as scanned."""
    habit, mood = np.random.default_rng([seed, hand]), np.random.default_rng([seed, hand, time])
    paper = np.full((240, 480, 3), 255, np.uint8)
    t = np.linspace(0, 2 * np.pi, 60)
    for letter in range(5):
        waves = habit.uniform(0.5, 2.5, 4) * mood.normal(1, 0.02, 4)
        x = 60 + 80 * letter + 30 * np.sin(waves[0] * t) + 6 * t
        y = 120 + 50 * np.sin(waves[1] * t + waves[2]) + 10 * np.cos(waves[3] * t) + mood.normal(0, 3)
        points = np.stack([x, y], axis=1).round().astype(np.int32)
        cv2.polylines(paper, [points], isClosed=False, color=(20, 20, 60), thickness=3, lineType=cv2.LINE_AA)
    return paper


network = twinnet.load("signature")
if len(sys.argv) > 2:
    questioned, *references = sys.argv[1:]
else:
    questioned, *references = (written(hand=1, time=time) for time in range(6))

print("against one:    ", network.verify(questioned, references[0]))
if len(references) > 1:
    print("against several:", network.verify(questioned, references=references))
print("another hand:   ", network.verify(written(hand=2, time=0), references[0]))
print("a blank page:   ", network.verify(np.full((240, 480, 3), 250, np.uint8), references[0]))
