"""Pictures a second, beside the two parts of the work that cannot be saved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from twinnet import TwinNetwork
from twinnet.bench.contest import Contest, hold

BATCH = 32
SIZE = (500, 375)


def images(backbone: str, folder: Path, count: int, rounds: int) -> list[Contest]:
    """Embed JPEG files, decode them only, and only run the backbone on pixels that are there.

    Args:
        backbone: The name of a backbone for pictures.
        folder: An empty folder for the files.
        count: How many of 500 x 375 pixels are made.
        rounds: How many turns each has.
    """
    network = TwinNetwork(backbone)
    preprocess = network.tower.reader()
    paths = _write_pictures(folder, count)
    pixels = preprocess.collate(preprocess.prepare(paths[:BATCH]))["pixels"]
    return [
        hold(
            "pictures",
            {"twinnet": lambda: network.encode(paths, progress=False)},
            {"bare decoding": lambda: _decode(paths), "bare forward": lambda: _forward(network, pixels, count)},
            rounds=rounds,
            amount=count,
            unit="picture",
        )
    ]


def _write_pictures(folder: Path, count: int) -> list[Path]:
    """JPEG files with smooth and rough parts."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{i}.jpg" for i in range(count)]
    for path in paths:
        rough = cv2.resize(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), rough)
    return paths


def _decode(paths: Sequence[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda path: np.asarray(Image.open(path).convert("RGB")).shape, paths))


def _forward(network: TwinNetwork, pixels: torch.Tensor, count: int) -> None:
    with torch.inference_mode():
        for start in range(0, count, len(pixels)):
            network({"pixels": pixels[: count - start]})
