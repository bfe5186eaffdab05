"""The benchmarks run, and what they check holds on a small input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(minilm):
    pytest.importorskip("sentence_transformers")

    def run(name, *arguments):
        command = [sys.executable, BENCHMARKS / name, *map(str, arguments), "--model", minilm]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_embeddings_are_those_of_sentence_transformers_on_text_of_every_kind(run):
    assert run("parity.py", "--texts", 60).startswith("60 texts: largest difference")


def test_encoding_is_measured(run, tmp_path):
    (tmp_path / "few.txt").write_text("A cat sits.\nA dog runs in the park.\n")
    assert run("encode.py", tmp_path / "few.txt", "--rounds", 1).count("sentences/s") == 3
