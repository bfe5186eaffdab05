"""How close encoding JPEG files comes to its parts: bare decoding and the bare forward pass, measured in one run.

python benchmarks/throughput.py [FILES] [BACKBONE] [ROUNDS]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from twinnet import TwinNetwork

BATCH = 32


def main(files: int = 2000, backbone: str = "timm/resnet18", rounds: int = 1) -> None:
    network = TwinNetwork(backbone)
    pixels = torch.randn(BATCH, 3, *network.tower.preprocess.size)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder), files)
        network.encode(paths[:BATCH])
        parts = {
            "decoding": lambda: decode(paths),
            "forward": lambda: forward(network, pixels, files),
            "encode": lambda: network.encode(paths, progress=False),
        }
        spent = [{name: seconds(work) for name, work in parts.items()} for _ in range(rounds)]
    for times in spent:
        slower = max(("decoding", "forward"), key=times.get)
        rates = ", ".join(f"{name} {files / time:.1f}" for name, time in times.items())
        print(f"pictures/s: {rates}; encode takes {times['encode'] / times[slower]:.2f} times as long as bare {slower}")


def write_pictures(folder: Path, count: int) -> list[Path]:
    """JPEG files of 500 x 375 pixels with smooth and rough parts."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{i}.jpg" for i in range(count)]
    for path in paths:
        rough = cv2.resize(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), (500, 375), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), rough)
    return paths


def decode(paths: list[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda path: np.asarray(Image.open(path).convert("RGB")).shape, paths))


def forward(network: TwinNetwork, pixels: torch.Tensor, count: int) -> None:
    with torch.inference_mode():
        for start in range(0, count, BATCH):
            network({"pixels": pixels[: count - start]})


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((int, str, int), sys.argv[1:], strict=False)))
