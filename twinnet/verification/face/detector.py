"""dlib's convolutional face detector (max-margin object detection, King 2015), in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.boxes import iou
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.verification.face.dlib_network import read_network
from twinnet.verification.face.pyramid import Tiling

Boxes = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]

# Inputs, outputs, side and stride of the convolutions (dlib/dnn_mmod_face_detection_ex.cpp).
LAYERS = ((3, 16, 5, 2), (16, 32, 5, 2), (32, 32, 5, 2), (32, 45, 5, 1), (45, 45, 5, 1), (45, 45, 5, 1), (45, 1, 9, 1))
# The side of the window in pixels, and the intersection over union above which the weaker of two boxes is dropped.
WINDOW, OVERLAP = 80, 0.338276
# A score belongs to this place of the canvas: three strides of two, each behind a margin of two pixels.
STRIDE, OFFSET = 8, 14
# The smallest canvas that has a score.
LEAST = 29
MEANS = (122.782, 117.001, 104.298)
SCALE = 256.0
# Pixels of canvas that are computed together: what stays in the caches of a CPU, what fills a GPU.
BUDGET = {"cpu": 1_000_000, "cuda": 32_000_000}


class FaceDetector(nn.Module):
    """Finds upright faces of about 80 pixels and more."""

    means: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(inputs, outputs, side, stride, padding=0 if stride > 1 else side // 2)
            for inputs, outputs, side, stride in LAYERS
        )
        self.register_buffer("means", torch.tensor(MEANS).view(3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    @classmethod
    def read(cls, path: Path) -> FaceDetector:
        """Read dlib's `mmod_human_face_detector.dat`.

        Raises:
            TwinnetError: If the file is damaged or holds another network.
        """
        network = read_network(path)
        convolutions = network.convolutions()
        if [(*c.weight.shape[1::-1], c.shape[1], c.shape[3]) for c in convolutions] != list(LAYERS):
            raise TwinnetError(
                f"{path}: a network of {len(convolutions)} convolutions that is not dlib's face detector"
            )
        width, _, _, _, _, overlap, *_ = network.loss
        if not np.allclose([width, overlap, *network.means], [WINDOW, OVERLAP, *MEANS], rtol=1e-5):
            raise TwinnetError(f"{path}: a detector with other constants than dlib's")
        detector = cls()
        for layer, convolution in zip(detector.layers, convolutions, strict=True):
            weights = {"weight": torch.tensor(convolution.weight), "bias": torch.tensor(convolution.bias)}
            layer.load_state_dict(weights)
        return detector.eval()

    def forward(self, canvas: Tensor) -> Tensor:
        """Canvas (B, 3, H, W) -> scores (B, H / 8 - 3, W / 8 - 3), above 0 where a face is."""
        for layer in self.layers[:-1]:
            canvas = F.relu(layer(canvas))
        scores: Tensor = self.layers[-1](canvas)[:, 0]
        return scores

    @torch.inference_mode()
    def find(self, images: Pixels, threshold: float = 0.0) -> list[tuple[Boxes, Scores]]:
        """All faces of pictures of one size.

        Args:
            images: (B, H, W, 3).
            threshold: The score that a face must exceed.

        Returns:
            For each picture boxes (N, 4) as x, y, w, h in pixels and their scores (N,), the best first.
        """
        tiling = Tiling.of(*images.shape[1:3])
        if min(tiling.height, tiling.width) < LEAST:
            return [(np.empty((0, 4)), np.empty(0, dtype=np.float32)) for _ in images]
        device = self.means.device
        together = max(1, BUDGET.get(device.type, BUDGET["cpu"]) // (tiling.height * tiling.width))
        found = []
        for start in range(0, len(images), together):
            pixels = torch.from_numpy(images[start : start + together]).to(device).permute(0, 3, 1, 2)  # (B, 3, H, W)
            maps = self(tiling.paint((pixels - self.means) / SCALE)).cpu().numpy()
            found += [self._boxes(scores, tiling, threshold) for scores in maps]
        return found

    def _boxes(self, scores: Scores, tiling: Tiling, threshold: float) -> tuple[Boxes, Scores]:
        rows, columns = np.nonzero(scores > threshold)
        found = scores[rows, columns]
        order = np.argsort(-found, kind="stable")
        middles = np.stack([columns, rows], axis=1)[order].astype(np.float64) * STRIDE + OFFSET  # (N, 2)
        reach = np.float64((WINDOW - 1) / 2)
        low, high = tiling.to_image(middles - reach, middles + reach)
        boxes = np.concatenate([low, high - low + 1], axis=1)
        kept = suppress(boxes, OVERLAP)
        return boxes[kept], found[order][kept]


def suppress(boxes: Boxes, overlap: float) -> list[int]:
    """The boxes that overlap no better one by more than a share of their union.

    Args:
        boxes: (N, 4) as x, y, w, h, the best first.
        overlap: The share.

    Returns:
        Their positions.
    """
    kept: list[int] = []
    for position, box in enumerate(boxes):
        if not (iou(boxes[kept], box) > overlap).any():
            kept.append(position)
    return kept
