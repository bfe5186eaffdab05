"""Faces: found, aligned and embedded, with dlib's weights or others."""

from twinnet.verification.face.faces import Face
from twinnet.verification.face.preprocess import FacePreprocess

__all__ = ["Face", "FacePreprocess"]
