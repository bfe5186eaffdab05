"""SiamFC as it is usually written, to be measured beside ours."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.network import TwinNetwork

EXEMPLAR, SEARCH, RESPONSE = 127, 255, 272
STEP, PENALTY, INFLUENCE, DAMPING = 1.0375, 0.9745, 0.176, 0.59


class PlainSiamFC:
    """Each of three scales is cut from a padded copy of the frame, and its whole response is enlarged.

    Args:
        network: SiamFC.
    """

    def __init__(self, network: TwinNetwork) -> None:
        self.network = network
        window = np.outer(np.hanning(RESPONSE), np.hanning(RESPONSE))
        self.window = window / window.sum()
        self.factors = STEP ** np.linspace(-1, 1, 3)

    def init(self, image: Any, box: Any) -> None:
        """Begin with a box."""
        self.centre, self.size = box[:2] + box[2:] / 2, box[2:].copy()
        self.side = np.sqrt(np.prod(self.size + self.size.sum() / 2))
        self.border = image.mean((0, 1))
        with torch.inference_mode():
            self.kernel = self._features([self._crop(image, self.side, EXEMPLAR)])

    @torch.inference_mode()
    def update(self, image: Any) -> None:
        """Follow it into the next frame."""
        wide = self.side * SEARCH / EXEMPLAR
        maps = self._features([self._crop(image, wide * factor, SEARCH) for factor in self.factors])
        responses = F.conv2d(maps, self.kernel)[:, 0].numpy() * 1e-3
        size = (RESPONSE, RESPONSE)
        fine = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in responses])
        fine[[0, 2]] *= PENALTY
        scale = fine.max((1, 2)).argmax()
        best = fine[scale] - fine[scale].min()
        best = (1 - INFLUENCE) * best / (best.sum() + 1e-16) + INFLUENCE * self.window
        row, column = np.unravel_index(best.argmax(), best.shape)
        moved = (np.array([column, row]) - (RESPONSE - 1) / 2) / 2
        self.centre = self.centre + moved * wide * self.factors[scale] / SEARCH
        grown = (1 - DAMPING) + DAMPING * self.factors[scale]
        self.size, self.side = self.size * grown, self.side * grown

    def _features(self, cuts: list[Any]) -> Tensor:
        pixels = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float()
        features: Tensor = self.network({"pixels": pixels})
        return features

    def _crop(self, frame: Any, side: float, out: int) -> Any:
        left, top = np.round(self.centre - (round(side) - 1) / 2).astype(int)
        right, bottom = left + round(side), top + round(side)
        pad = max(0, -left, -top, right - frame.shape[1], bottom - frame.shape[0])
        padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=self.border.tolist())
        return cv2.resize(padded[top + pad : bottom + pad, left + pad : right + pad], (out, out))
