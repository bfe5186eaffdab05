"""dlib's finder of faces."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from twinnet.errors import TwinnetError
from twinnet.files import checksum, read_weights, write_weights
from twinnet.image.decoding import Pixels
from twinnet.verification.face.detector import WINDOW, FaceDetector
from twinnet.verification.face.faces import Face, Points, by_size, scaled
from twinnet.verification.face.landmarks import LandmarkPredictor

DETECTOR_FILE, LANDMARKS_FILE = "face_detector.safetensors", "face_landmarks.safetensors"
DETECTOR_DAT, LANDMARKS_DAT = "mmod_human_face_detector.dat", "shape_predictor_5_face_landmarks.dat"
CHECKSUMS = {
    DETECTOR_DAT: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
    LANDMARKS_DAT: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
# The side to which a picture is scaled first; faces below 16 % of it are looked for when there are no larger ones.
FIRST_SIDE = 500


class DlibFaceFinder:
    """dlib's convolutional detector and five landmarks.

    Args:
        detector: The detector.
        landmarks: The landmark predictor.
    """

    points = "dlib"

    def __init__(self, detector: FaceDetector, landmarks: LandmarkPredictor) -> None:
        self.detector, self.landmarks = detector, landmarks

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read dlib's .dat files.

        Raises:
            TwinnetError: If a file is missing, damaged or another one.
        """
        for name, expected in CHECKSUMS.items():
            if not (folder / name).is_file() or checksum(folder / name) != expected:
                raise TwinnetError(f"{folder / name}: not dlib's file, its sha256 differs: install the package again")
        return cls(FaceDetector.read(folder / DETECTOR_DAT), LandmarkPredictor.read(folder / LANDMARKS_DAT))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        detector = FaceDetector()
        detector.load_state_dict(read_weights(folder / DETECTOR_FILE))
        arrays = {name: tensor.numpy() for name, tensor in read_weights(folder / LANDMARKS_FILE).items()}
        return cls(detector.eval(), LandmarkPredictor.from_arrays(arrays))

    def save(self, folder: Path) -> None:
        """Write detector and landmarks as safetensors."""
        write_weights(folder / DETECTOR_FILE, self.detector.state_dict())
        write_weights(folder / LANDMARKS_FILE, {n: torch.from_numpy(a) for n, a in self.landmarks.arrays().items()})

    def digest(self) -> str:
        """See `FaceFinder`."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        arrays = {name: tensor.cpu().numpy() for name, tensor in self.detector.state_dict().items()}
        hashed = hashlib.sha256()
        for name, array in sorted((arrays | self.landmarks.arrays()).items()):
            hashed.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    def find(self, images: Sequence[Pixels], min_face: float, *, largest: bool) -> list[list[Face]]:
        """See `FaceFinder`. Pictures of one size are searched together."""
        last = WINDOW / min_face
        found: list[list[Face]] = [[] for _ in images]
        for side in [FIRST_SIDE, last] if largest and last > FIRST_SIDE else [last]:
            groups = defaultdict(list)
            for position, image in enumerate(images):
                if not found[position]:
                    groups[image.shape].append(position)
            for positions in groups.values():
                boxes = self._boxes([images[i] for i in positions], side)
                for position, (places, scores) in zip(positions, boxes, strict=True):
                    order = by_size(places, scores, images[position].shape)[: 1 if largest else None]
                    found[position] = [self._face(images[position], places[i], float(scores[i])) for i in order]
        return found

    def inspect(self, image: Pixels, box: Sequence[float]) -> Face | None:
        """See `FaceFinder`."""
        return self._face(image, np.asarray(box, dtype=np.float64), 0.0)

    def _boxes(self, images: Sequence[Pixels], side: float) -> list[tuple[Points, npt.NDArray[np.float32]]]:
        """Boxes and scores in pictures of one size, searched with their longer side scaled."""
        pictures, ratios = zip(*(scaled(image, side) for image in images), strict=True)
        return [(boxes * np.tile(ratios[0], 2), scores) for boxes, scores in self.detector.find(np.stack(pictures))]

    def _face(self, image: Pixels, box: Points, score: float) -> Face:
        x, y, width, height = map(float, box)
        return Face((x, y, width, height), score, self.landmarks(image, box))
