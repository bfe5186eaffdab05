"""The memory of the process while a tracker follows a target through a long film, out of which it goes now and then.

python benchmarks/tracking_memory.py [FRAMES]
"""

import resource
import sys
from collections.abc import Iterator

import cv2
import numpy as np

import twinnet

PERIOD, ABSENT = 500, 50
SIDE = 40


def main(count: int = 10_000) -> None:
    for hit in twinnet.track(film(count), (*place(0), SIDE, SIDE), fast=True):
        if (hit.frame + 1) % (count // 10) == 0:
            print(
                f"frame {hit.frame + 1:6}: at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
            )


def film(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    background = cv2.GaussianBlur(rng.integers(0, 256, (360, 480, 3), dtype=np.uint8), (0, 0), 3)
    target = cv2.GaussianBlur(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8), (0, 0), 1)
    for number in range(count):
        frame = background.copy()
        if number % PERIOD < PERIOD - ABSENT:
            x, y = place(number)
            frame[y : y + SIDE, x : x + SIDE] = target
        yield frame


def place(number: int) -> tuple[int, int]:
    return int(220 + 180 * np.sin(number / 60)), int(160 + 120 * np.sin(number / 47))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
