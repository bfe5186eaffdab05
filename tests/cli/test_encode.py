from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import twinnet


def read(path):
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix == ".safetensors":
        return load_file(path)["embeddings"]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return np.array([row["embedding"] for row in rows], dtype=np.float32)


@pytest.mark.parametrize("suffix", [".npy", ".safetensors", ".jsonl"])
def test_each_format_holds_what_encode_gives(suffix, run, corpus, model, tmp_path):
    out = tmp_path / f"embeddings{suffix}"
    result = run("encode", corpus, "--out", out, "--model", model)
    expected = twinnet.load(model).encode(Path(corpus).read_text().splitlines())
    assert read(out).dtype == np.float32
    np.testing.assert_allclose(read(out), expected, atol=1e-6)
    assert (result["sentences"], result["dim"], result["dtype"]) == (*expected.shape, "float32")
    assert set(result["seconds"]) == {"load", "encode", "write"}


def test_options_reach_encode(run, corpus, model, tmp_path):
    out = tmp_path / "embeddings.npy"
    options = {"normalize": True, "truncate_dim": 8, "prompt": "query: "}
    run("encode", corpus, "--out", out, "--model", model, "--normalize", "--truncate-dim", 8, "--prompt", "query: ")
    expected = twinnet.load(model).encode(Path(corpus).read_text().splitlines(), **options)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-6)
    run("encode", corpus, "--out", out, "--model", model, "--quantize", "binary")
    assert np.load(out).dtype == np.uint8


def test_sentences_that_are_cut_off_are_counted(run, lines, write, model, tmp_path):
    corpus = write("long.txt", "cat " * 100, "short")
    command = "encode", corpus, "--out", tmp_path / "e.npy", "--model", model
    assert run(*command)["truncated"] == 1
    assert lines(*command)[-1] == "1 of 2 sentences were longer than the model takes, and were cut off"


def test_what_cannot_be_written_is_refused_before_the_work(refused, corpus, tmp_path):
    def message(out):
        return refused("encode", corpus, "--out", out, "--model", "would-be-an-error-later")

    assert "has to end in .npy or .safetensors or .jsonl" in message(tmp_path / "e.txt")
    assert "there is no folder" in message(tmp_path / "gone" / "e.npy")
    (tmp_path / "folder.npy").mkdir()
    assert "is no regular file" in message(tmp_path / "folder.npy")
    device = tmp_path / "device.npy"
    device.symlink_to(os.devnull)
    assert "is no regular file" in message(device)


def test_an_error_leaves_the_old_file(refused, corpus, model, tmp_path):
    out = tmp_path / "out" / "embeddings.npy"
    out.parent.mkdir()
    out.write_bytes(b"precious")
    assert "int8 needs ranges" in refused("encode", corpus, "--out", out, "--model", model, "--quantize", "int8")
    assert out.read_bytes() == b"precious"
    assert list(out.parent.iterdir()) == [out]


def test_the_case_of_an_ending_does_not_matter(run, corpus, model, tmp_path):
    run("encode", corpus, "--model", model, "--out", tmp_path / "a.npy")
    run("encode", corpus, "--model", model, "--out", tmp_path / "b.NPY")
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.NPY").read_bytes()
