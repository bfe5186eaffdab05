from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from twinnet import TwinNetwork
from twinnet.tracking.preprocess import TrackingPreprocess

HEIGHT, WIDTH = 120, 160
BOX = (40, 30, 24, 18)


def moving(count, step=(2.0, 1.0), growth=1.0, seed=0):
    """A textured patch that moves over a textured background: frames (T, H, W, 3) and boxes (T, 4)."""
    rng = np.random.default_rng(seed)
    background = cv2.GaussianBlur(rng.integers(0, 256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 3)
    patch = cv2.GaussianBlur(rng.integers(0, 256, size=(18, 24, 3), dtype=np.uint8), (0, 0), 1)
    patch = np.clip(patch.astype(int) * [2, 1, 0] - [40, 0, 0], 0, 255).astype(np.uint8)
    frames, boxes = [], []
    for number in range(count):
        x, y, w, h = BOX
        scale = growth**number
        centre = (x + w / 2 + step[0] * number, y + h / 2 + step[1] * number)
        matrix = np.array([[scale, 0, centre[0] - w * scale / 2], [0, scale, centre[1] - h * scale / 2]])
        frame = background.copy()
        cv2.warpAffine(patch, matrix, (WIDTH, HEIGHT), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
        frames.append(frame)
        boxes.append([centre[0] - w * scale / 2, centre[1] - h * scale / 2, w * scale, h * scale])
    return np.stack(frames), np.array(boxes)


@pytest.fixture(scope="session")
def clip():
    return moving(12)


@pytest.fixture(scope="session")
def small_network():
    """A random network that is fast enough for tests of everything around it: colours and edges at a quarter."""
    torch.manual_seed(0)
    preprocess = TrackingPreprocess(63, 127, mean=(127,) * 3, std=(64,) * 3, inference={"upsampling": 8})
    network = TwinNetwork({"name": "timm", "model": "resnet10t", "out_index": 1}, [], "cosine", preprocess)
    return network.requires_grad_(False)
