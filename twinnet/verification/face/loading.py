"""The face network that works out of the box: dlib's three files as one TwinNetwork."""

from __future__ import annotations

from pathlib import Path

from twinnet.heads.views import Views
from twinnet.network import TwinNetwork
from twinnet.verification.face.descriptor import read_descriptor
from twinnet.verification.face.dlib_finder import DlibFaceFinder
from twinnet.verification.face.preprocess import SIDES, FacePreprocess

# For the accuracy that dlib states on LFW it averages the descriptors of faces that are moved, by up to so much, at
# random (dlib/image_transforms/interpolation.h, jitter_image).
SHIFT = 0.02
# The catalogue has its checksum.
DESCRIPTOR_DAT = "dlib_face_recognition_resnet_model_v1.dat"


def read_dlib(folder: Path) -> TwinNetwork:
    """Make a network of dlib's detector, landmarks and descriptor.

    Raises:
        TwinnetError: If a file is missing, damaged or another one.
    """
    preprocess = FacePreprocess(shift=SHIFT)
    preprocess.finder = DlibFaceFinder.read(folder)
    return TwinNetwork(read_descriptor(folder / DESCRIPTOR_DAT), Views(len(SIDES)), "euclidean", preprocess)
