"""Pictures to aligned faces."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from twinnet.errors import ItemError, TwinnetError, unknown_name
from twinnet.features import Batch
from twinnet.image.decoding import MAX_PIXELS, Pixels, decode
from twinnet.image.pictures import PicturePreprocess, check_normalisation, picture_name
from twinnet.preprocess import Prepared
from twinnet.verification.face.chips import TEMPLATES, chip
from twinnet.verification.face.faces import Face, FaceFinder
from twinnet.verification.face.finders import load_finder, make_finder

WORKERS = 2
# Pictures that are held decoded at one time.
CHUNK = 16
NO_FACE = "no face found"
# A box that shows fewer pixels of the picture, in width or height, shows no face.
LEAST_FACE = 8
# Left, right, up and down.
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
# dlib's descriptor: the mean of its pictures, and 256 for the deviation.
DLIB_MEAN = (122.782 / 255, 117.001 / 255, 104.298 / 255)
DLIB_STD = (256 / 255,) * 3


class FacePreprocess(PicturePreprocess):
    """Finds the largest face of each picture, aligns it by its landmarks and normalises it.

    An item is a picture (a path, the bytes of a file, a PIL image, an array H x W x 3), or a pair of a picture and the
    face in it that is meant: one of those that `detect` gives, or a box x, y, w, h.

    Args:
        detector: "dlib" for dlib's detector and landmarks, or the path of a YuNet ONNX file; a saved network brings its
            own.
        crop: How the face is aligned: "dlib", with a border of a quarter, or "arcface", narrower.
        size: Side of the aligned face in pixels.
        mean: Mean of each channel, of values from 0 to 1.
        std: Standard deviation of each channel, likewise.
        bgr: Whether the network takes blue, green, red.
        min_face: The smallest face that is looked for, as a share of the picture's longer side. Larger faces are looked
            for first, at less cost. Pictures are enlarged four times at most, so no face under 20 pixels is found.
        shift: If not 0, the network sees four views of each face, shifted to the four sides by this share of the chip;
            it then needs the head {"name": "views", "count": 4}, which averages their embeddings.
        max_pixels: A picture with more is refused before it is decoded.

    Raises:
        TwinnetError: If the crop is unknown, a std is not above 0, or `min_face` is no share.
    """

    budget: ClassVar = {"cpu": 32 * 150 * 150, "cuda": 256 * 150 * 150}
    lookahead = 64
    options = ("min_face",)

    def __init__(
        self,
        detector: str = "dlib",
        crop: str = "dlib",
        size: int = 150,
        mean: Sequence[float] = DLIB_MEAN,
        std: Sequence[float] = DLIB_STD,
        bgr: bool = False,
        min_face: float = 0.08,
        shift: float = 0.0,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if crop not in TEMPLATES:
            raise unknown_name("crop of a face", crop, TEMPLATES)
        check_normalisation(mean, std)
        self.detector, self.crop, self.size, self.bgr = detector, crop, int(size), bgr
        self.mean, self.std = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
        self.min_face, self.shift, self.max_pixels = _share(min_face), float(shift), max_pixels

    @cached_property
    def finder(self) -> FaceFinder:
        """What finds the faces; read when it is first needed."""
        return make_finder(self.detector)

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments; the path of a detector without its folder, because a saved network has a copy."""
        config = super().config
        return config | {"detector": Path(config["detector"]).name} if "detector" in config else config

    @classmethod
    def load(cls, folder: Path, config: dict[str, Any]) -> Self:
        """Make the preprocess with the detector that was saved with it."""
        self = cls(**config)
        self.finder = load_finder(folder, self.detector)
        return self

    def save(self, folder: Path) -> None:
        """Write the detector, so that the network needs nothing else."""
        self.finder.save(folder)

    def fingerprint(self) -> str:
        """A hash of the arguments and of the detector's weights."""
        return hashlib.sha256((super().fingerprint() + self.finder.digest()).encode()).hexdigest()

    def vary(self, **options: Any) -> Self:
        """The same with another `min_face`."""
        super().vary(**options)
        if not options:
            return self
        varied = copy.copy(self)
        varied.min_face = _share(options["min_face"])
        return varied

    def is_single(self, items: Any) -> bool:
        """A picture, or a pair of a picture and a face."""
        return _is_pair(items) or super().is_single(items)

    def detect(self, image: Any) -> list[Face]:
        """All faces of a picture, the largest first; none if there is none.

        Raises:
            ItemError: If the picture cannot be read.
        """
        return self.detect_all([image])[0]

    def detect_all(self, images: Sequence[Any]) -> list[list[Face]]:
        """All faces of each picture; pictures of one size, as those of a video, are searched together.

        Raises:
            ItemError: If a picture cannot be read.
        """
        pixels = [decode(image, i, max_pixels=self.max_pixels) for i, image in enumerate(images)]
        return self.finder.find(pixels, self.min_face, largest=False)

    def align(self, image: Pixels, face: Face) -> Pixels:
        """The aligned face (size, size, 3) as the network sees it, before it is normalised."""
        return self._chip(image, face, (0, 0))

    def views(self, image: Pixels, face: Face) -> list[Pixels]:
        """The aligned face, or its shifted views, each (size, size, 3)."""
        offsets = [(self.shift * x, self.shift * y) for x, y in SIDES] if self.shift else [(0, 0)]
        return [self._chip(image, face, offset) for offset in offsets]

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Decode, find and align.

        Raises:
            ItemError: If a picture cannot be read, or no face is found in it (reason "no face found").
        """
        prepared: list[Prepared] = []
        with ThreadPoolExecutor(WORKERS) as pool:
            for start in range(0, len(items), CHUNK):
                chunk = [item if _is_pair(item) else (item, None) for item in items[start : start + CHUNK]]
                images = list(pool.map(self._decode, [image for image, _ in chunk], range(start, start + len(chunk))))
                faces = self._faces(images, [face for _, face in chunk], start)
                for position, face in enumerate(faces):
                    if face is None:
                        picture = picture_name(chunk[position][0])
                        raise ItemError(start + position, f"no face found in {picture}", NO_FACE)
                prepared += pool.map(self._prepare_one, images, faces)
        return prepared

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Faces (B, 3, size, size), or their views (B * V, 3, size, size)."""
        return {"pixels": torch.from_numpy(np.concatenate([item.data for item in prepared]))}

    def _decode(self, item: Any, position: int) -> Pixels:
        return decode(item, position, max_pixels=self.max_pixels)

    def _faces(self, images: list[Pixels], given: list[Any], start: int) -> list[Face | None]:
        """The face that is given, the one in the box that is given, or the largest."""
        faces: list[Face | None] = [
            face if face is None or isinstance(face, Face) else self._face_in(image, face, position)
            for position, (image, face) in enumerate(zip(images, given, strict=True), start)
        ]
        open_ = [i for i, face in enumerate(given) if face is None]
        found = self.finder.find([images[i] for i in open_], self.min_face, largest=True)
        for position, candidates in zip(open_, found, strict=True):
            faces[position] = candidates[0] if candidates else None
        return faces

    def _face_in(self, image: Pixels, box: Sequence[float], position: int) -> Face | None:
        corners = np.array([*box[:2], box[0] + box[2], box[1] + box[3]], dtype=np.float64)
        if not np.isfinite(corners).all():
            raise ItemError(position, f"the box of a face is {list(box)}: give x, y, w, h as finite numbers")
        visible = np.clip(corners, 0, np.tile(image.shape[1::-1], 2))
        if (visible[2:] - visible[:2]).min() < LEAST_FACE:
            return None
        return self.finder.inspect(image, box)

    def _prepare_one(self, image: Pixels, face: Face) -> Prepared:
        pixels = np.stack(self.views(image, face))
        pixels = pixels[..., ::-1] if self.bgr else pixels
        scaled = (pixels.astype(np.float32) / 255 - self.mean) / self.std  # (V, size, size, 3)
        return Prepared(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)), len(pixels) * self.size * self.size)

    def _chip(self, image: Pixels, face: Face, offset: tuple[float, float]) -> Pixels:
        template = TEMPLATES[self.crop][self.finder.points] + offset
        return chip(image, face.landmarks, template, self.size)


def _share(min_face: Any) -> float:
    try:
        share = float(min_face)
    except (TypeError, ValueError):
        share = float("nan")
    if not 0 < share <= 1:
        raise TwinnetError(f"min_face is {min_face!r}: it is a share of the picture's longer side, from 0 to 1")
    return share


def _is_pair(item: Any) -> bool:
    """Whether this is a picture with a face in it."""
    if not isinstance(item, tuple) or len(item) != 2:
        return False
    face = item[1]
    return isinstance(face, Face) or (not isinstance(face, str | bytes) and np.shape(face) == (4,))
