"""The face network that works out of the box: dlib's three files as one TwinNetwork."""

from __future__ import annotations

from pathlib import Path

from twinnet.errors import TwinnetError
from twinnet.files import checksum
from twinnet.heads.views import Views
from twinnet.network import TwinNetwork
from twinnet.verification.face.descriptor import read_descriptor
from twinnet.verification.face.faces import DETECTOR_DAT, LANDMARKS_DAT, DlibFaceFinder
from twinnet.verification.face.preprocess import SIDES, FacePreprocess

# For the accuracy that dlib states on LFW it averages the descriptors of faces that are moved, by up to so much, at
# random (dlib/image_transforms/interpolation.h, jitter_image).
SHIFT = 0.02
DESCRIPTOR_DAT = "dlib_face_recognition_resnet_model_v1.dat"
# The catalogue has the descriptor's.
CHECKSUMS = {
    DETECTOR_DAT: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
    LANDMARKS_DAT: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}


def read_dlib(folder: Path) -> TwinNetwork:
    """Make a network of dlib's detector, landmarks and descriptor.

    Raises:
        TwinnetError: If a file is missing, damaged or another one.
    """
    for name, expected in CHECKSUMS.items():
        if not (folder / name).is_file() or checksum(folder / name) != expected:
            raise TwinnetError(f"{folder / name}: not dlib's file, its sha256 differs: install the package again")
    preprocess = FacePreprocess(shift=SHIFT)
    preprocess.finder = DlibFaceFinder.read(folder)
    return TwinNetwork(read_descriptor(folder / DESCRIPTOR_DAT), Views(len(SIDES)), "euclidean", preprocess)
