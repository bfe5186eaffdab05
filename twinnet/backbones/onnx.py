"""An embedding network in an ONNX file, run by OpenCV: for inference only."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from twinnet.backbones.base import Backbone
from twinnet.backbones.onnx_format import Shape, input_shapes
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features

CHANNELS = 3


class OnnxBackbone(Backbone):
    """Pictures (B, 3, size, size) -> vectors (B, D), by a network that cannot be trained here and runs on the CPU.

    Args:
        path: The ONNX file; a saved network brings its own.
        size: Side of the pictures that it takes, in pixels.
        width: The width D of its vectors, if it is known; else found by running it once.

    Raises:
        TwinnetError: If the file is missing, OpenCV cannot read it, or it cannot take such pictures.
    """

    def __init__(self, path: str | None = None, size: int = 112, width: int | None = None) -> None:
        super().__init__()
        self.size = size
        self.width = width or 0
        self._lock = threading.Lock()
        self.file = np.empty(0, dtype=np.uint8)
        if path is not None:
            if not Path(path).is_file():
                raise TwinnetError(f"{path}: there is no such ONNX file")
            self._read(np.fromfile(path, dtype=np.uint8), path)

    @property
    def config(self) -> dict[str, Any]:
        """Size and width; a saved network brings its own file."""
        return {"size": self.size, "width": self.width}

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, size, size) -> vectors (B, D), one picture at a time: many such files take no more.

        Raises:
            TwinnetError: If the pictures are of another size.
        """
        shape = tuple(batch["pixels"].shape[1:])
        if shape != (CHANNELS, self.size, self.size):
            raise TwinnetError(f"pictures of the shape {shape}, but this ONNX network takes {self.size} pixels a side")
        rows = [self._run(picture[None]) for picture in batch["pixels"].detach().cpu().numpy()]
        return Features(torch.from_numpy(np.stack(rows)).to(batch["pixels"].device))

    def weights(self) -> dict[str, Tensor]:
        """The bytes of the file."""
        return {"onnx": torch.from_numpy(self.file)}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take the bytes of the file."""
        self._read(weights["onnx"].numpy(), "the saved ONNX network")

    def _read(self, file: np.ndarray[Any, np.dtype[np.uint8]], name: str) -> None:
        _check_input(file.tobytes(), name, self.size)
        try:
            self.network = cv2.dnn.readNetFromONNX(file)
            width = len(self._run(np.zeros((1, 3, self.size, self.size), dtype=np.float32)))
        except cv2.error as error:
            reason = " ".join(str(error).split())[:200]
            raise TwinnetError(f"{name}: OpenCV cannot run it on pictures of {self.size} pixels ({reason})") from error
        self.file, self.width = file, width

    def _run(self, picture: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        with self._lock:
            self.network.setInput(np.ascontiguousarray(picture))
            vector: np.ndarray[Any, np.dtype[np.float32]] = self.network.forward().reshape(-1).astype(np.float32)
        return vector


def _check_input(file: bytes, name: str, size: int) -> None:
    """Refuse what the file says it does not take: OpenCV 5 ends the process on some pictures of a wrong size.

    Raises:
        TwinnetError: If it takes no pictures of this size.
    """
    try:
        shapes = input_shapes(file)
    except ValueError as error:
        raise TwinnetError(f"{name}: not an ONNX file that can be read ({error})") from error
    wanted = (1, CHANNELS, size, size)
    if len(shapes) != 1 or len(shapes[0]) != len(wanted):
        raise TwinnetError(f"{name}: takes {_shown(shapes)}, expected one input of pictures (1, 3, height, width)")
    if any(has is not None and has != want for has, want in zip(shapes[0], wanted, strict=True)):
        raise TwinnetError(f"{name}: takes pictures {_shown(shapes)}, not {wanted}: give size= and preprocess to fit")


def _shown(shapes: Sequence[Shape]) -> str:
    shown = ["(" + ", ".join("any" if size is None else str(size) for size in shape) + ")" for shape in shapes]
    return " and ".join(shown) or "no input"
