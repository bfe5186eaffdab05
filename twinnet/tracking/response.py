"""Finding the peak of similarity maps as SiamFC does."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from twinnet.tracking.protocol import Inference

Map = npt.NDArray[np.float32]


class Peak(NamedTuple):
    """The peak of the maps of one target.

    Attributes:
        scale: Which of the scales it is at.
        place: Its place x, y in pixels of the search crop.
        score: The value there, without penalty and window.
    """

    scale: int
    place: npt.NDArray[np.float64]
    score: float


class ResponseReader:
    """Reads maps of one shape.

    Bicubic interpolation is linear, so the finer map is A R A^T with one matrix A for both axes.

    Args:
        places: Where each cell of an axis is in the search crop, see `target_places`.
        search_size: The side of the search crop.
        inference: The constants.
    """

    def __init__(self, places: npt.NDArray[np.float64], search_size: int, inference: Inference) -> None:
        count, fine = len(places), len(places) * inference.upsampling
        self.inference = inference
        finer = cv2.resize(np.eye(count, dtype=np.float32), (count, fine), interpolation=cv2.INTER_CUBIC)
        self.finer = torch.from_numpy(finer)
        step = (places[1] - places[0]) / inference.upsampling
        self.fine_places = places[0] + ((np.arange(fine) + 0.5) / inference.upsampling - 0.5) * (places[1] - places[0])
        axis = cosine_window((self.fine_places - search_size / 2) / step, fine)
        window = np.outer(axis, axis)
        self.window = (inference.window_influence * window / window.sum()).astype(np.float32)
        self.penalties = np.full(inference.scales, inference.scale_penalty, dtype=np.float32)
        self.penalties[inference.scales // 2] = 1

    def peak(self, responses: Map) -> Peak:
        """The peak of the maps (scales, H', W') of one target."""
        # Not NumPy's product: its waiting threads would slow the network's convolutions down by a third.
        # (scales, H' * upsampling, W' * upsampling)
        fine = (self.finer @ torch.from_numpy(responses) @ self.finer.T).numpy()
        scale = int((fine.max((1, 2)) * self.penalties).argmax())
        raw = fine[scale]
        low = raw.min()
        share = (1 - self.inference.window_influence) / (float(raw.sum()) - raw.size * float(low) + 1e-16)
        blended = (raw - low) * np.float32(share) + self.window
        row, column = divmod(int(blended.argmax()), blended.shape[1])
        place = np.array([self.fine_places[column], self.fine_places[row]])
        return Peak(scale, place, float(raw[row, column]))


def cosine_window(offsets: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """A Hann window of `length` steps around offset 0, at some offsets in steps."""
    span = length - 1
    window: npt.NDArray[np.float64] = 0.5 + 0.5 * np.cos(2 * np.pi * np.clip(offsets / span, -0.5, 0.5))
    return window
