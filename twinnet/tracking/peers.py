"""OpenCV's trackers, to be measured beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from twinnet.errors import TwinnetError
from twinnet.video.quiet import quiet

PEERS = ("nanotrack", "mil")


class OpenCVPeer:
    """A tracker of OpenCV behind the interface that `evaluate` takes.

    Args:
        name: "nanotrack" or "mil".
        backbone: The .onnx file of NanoTrack's backbone.
        head: That of its head.

    Raises:
        TwinnetError: If there is no such tracker, or NanoTrack's files are missing.
    """

    def __init__(self, name: str, backbone: str | None = None, head: str | None = None) -> None:
        if name == "mil":
            self.tracker: Any = cv2.TrackerMIL.create()
        elif name == "nanotrack":
            self.tracker = _nanotrack(backbone, head)
        else:
            raise TwinnetError(f"unknown peer {name!r}: {' or '.join(PEERS)}")
        self.box: Any = None

    def init(self, image: Any, box: Any) -> None:
        """Begin; OpenCV takes whole pixels."""
        self.box = np.asarray(box, dtype=np.float64)
        self.tracker.init(image[..., ::-1].copy(), tuple(round(float(value)) for value in box))

    def update(self, image: Any) -> tuple[bool, Any]:
        """Whether it was found, and the box, which stays where it was not."""
        found, box = self.tracker.update(image[..., ::-1].copy())
        if found:
            self.box = np.asarray(box, dtype=np.float64)
        return bool(found), self.box


def _nanotrack(backbone: str | None, head: str | None) -> Any:
    if not backbone or not head:
        raise TwinnetError("NanoTrack needs its two model files: --nano-backbone FILE --nano-head FILE")
    for path in (backbone, head):
        if not Path(path).is_file():
            raise TwinnetError(f"{path}: there is no such file")
    parameters = cv2.TrackerNano.Params()
    parameters.backbone, parameters.neckhead = backbone, head
    try:
        with quiet():
            return cv2.TrackerNano.create(parameters)
    except cv2.error as error:
        raise TwinnetError(f"{backbone} and {head} cannot be read as NanoTrack's model files") from error
