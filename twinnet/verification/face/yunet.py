"""YuNet (Wu, Peng and Yu 2023), a small face detector, from an ONNX file of the user's."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.verification.face.faces import Face, by_size, scaled

# The smallest face that YuNet was trained on, in pixels, and its makers' choices for the rest.
SMALLEST = 16
SURE, OVERLAP, CANDIDATES = 0.7, 0.3, 5000
LARGEST_SIDE = 640


class YuNetFaceFinder:
    """Finds faces by `cv2.FaceDetectorYN`, with eyes, tip of the nose and corners of the mouth.

    Args:
        path: The ONNX file.

    Raises:
        TwinnetError: If the file is missing or OpenCV cannot read it.
    """

    points = "yunet"

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise TwinnetError(f"detector {str(path)!r}: neither 'dlib' nor the path of a YuNet ONNX file")
        try:
            self.detector = cv2.FaceDetectorYN.create(str(path), "", (320, 320), SURE, OVERLAP, CANDIDATES)
            self.detector.detect(np.zeros((320, 320, 3), np.uint8))  # other networks can be read as well
        except cv2.error as error:
            raise TwinnetError(f"{path}: OpenCV cannot read it as YuNet ({str(error).splitlines()[0]})") from error
        # OpenCV keeps the size of the picture in the detector.
        self.lock = threading.Lock()

    def digest(self) -> str:
        """A hash of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def save(self, folder: Path) -> None:
        """Copy the file."""
        shutil.copyfile(self.path, folder / self.path.name)

    def find(self, images: Sequence[Pixels], min_face: float, *, largest: bool) -> list[list[Face]]:
        """See `FaceFinder`."""
        found = []
        for image in images:
            faces = self._find(image, min_face)
            boxes = np.array([face.box for face in faces]).reshape(-1, 4)
            order = by_size(boxes, np.ones(len(faces), dtype=np.float32), image.shape)
            found.append([faces[i] for i in order[: 1 if largest else None]])
        return found

    def inspect(self, image: Pixels, box: Sequence[float]) -> Face | None:
        """See `FaceFinder`: the face found in and around the box whose middle is nearest to the box's."""
        x, y, width, height = box
        left, top = max(0, int(x - width / 2)), max(0, int(y - height / 2))
        part = image[top : int(y + 1.5 * height) + 1, left : int(x + 1.5 * width) + 1]
        if 0 in part.shape:
            return None
        offset = np.array([left, top])
        middle = np.array([x + width / 2, y + height / 2]) - offset
        faces = self._find(np.ascontiguousarray(part), 0.2)
        if not faces:
            return None
        face = min(faces, key=lambda f: float(np.hypot(*(np.array(f.box[:2]) + np.array(f.box[2:]) / 2 - middle))))
        moved = (face.box[0] + left, face.box[1] + top, *face.box[2:])
        return Face(moved, face.score, face.landmarks + offset)

    def _find(self, image: Pixels, min_face: float) -> list[Face]:
        picture, ratio = scaled(image, max(LARGEST_SIDE, SMALLEST / min_face))
        with self.lock:
            self.detector.setInputSize(picture.shape[1::-1])
            rows = self.detector.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
        if rows is None:
            return []
        faces = []
        for row in np.asarray(rows, dtype=np.float64):
            x, y, w, h = map(float, row[:4] * np.tile(ratio, 2))
            faces.append(Face((x, y, w, h), float(row[14]), row[4:14].reshape(5, 2) * ratio))
        return faces
