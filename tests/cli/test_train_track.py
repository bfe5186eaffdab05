"""Training a tracking network on the command line, run inside this process."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

import twinnet
from twinnet.cli.main import main

BACKBONE = json.dumps(
    {"name": "timm-pyramid", "model": "test_efficientnet", "nodes": ["blocks.2", "blocks.3"], "width": 16}
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two clips of a coloured rectangle that moves over noise."""
    root = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for clip, colour in (("red", (40, 40, 220)), ("blue", (220, 60, 40))):
        (root / clip).mkdir()
        lines = ["file,x,y,w,h"]
        for i in range(6):
            frame = rng.integers(60, 120, (90, 120, 3), dtype=np.uint8)
            x, y = 20 + 8 * i, 30 + 3 * i
            frame[y : y + 24, x : x + 30] = colour
            cv2.imwrite(str(root / clip / f"{i}.jpg"), frame)
            lines.append(f"{i}.jpg,{x},{y},30,24")
        (root / clip / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


def arguments(data, out, *more):
    sources = [f"{data}=2", "--stills", str(data), "--pictures", f"{data}=0.5"]
    settings = ["--backbone", BACKBONE, "--pairs", "12", "--batch-size", "4", "--out", str(out)]
    return ["train", "track", *sources, *settings, *more]


def test_a_network_is_trained_saved_and_trained_further(data, tmp_path, run):
    figures = run(*arguments(data, tmp_path / "net"))
    assert figures["steps"] == 3 and figures["targets"] > 10
    network = twinnet.load(tmp_path / "net")
    with torch.inference_mode():
        exemplar = network(network.tower.preprocess.batch(np.zeros((1, 129, 129, 3), np.uint8)))
        search = network(network.tower.preprocess.batch(np.zeros((1, 161, 161, 3), np.uint8)))
        located = network.distance.locate(exemplar, search, torch.tensor([[60.0, 50.0]]))
    assert exemplar.shape == (1, 16, 17, 17) and located.edges.shape == (1, 4, 15, 15)
    further = ["train", "track", data, "--model", tmp_path / "net", "--pairs", "4", "--batch-size", "4"]
    further += ["--loss", '{"name": "tracking", "radius": 20}']
    assert run(*further, "--out", tmp_path / "further")["steps"] == 1
    before, after = (twinnet.load(tmp_path / name).distance.bias.item() for name in ("net", "further"))
    assert before != after


def test_a_resumed_run_has_the_same_losses(data, tmp_path):
    from twinnet.training.feed import BatchFeed

    assert main([*arguments(data, tmp_path / "whole"), "--checkpoint-every", "1"]) == 0
    whole = [json.loads(line)["loss"] for line in (tmp_path / "whole.training" / "log.jsonl").read_text().splitlines()]
    steps = BatchFeed.step

    def stop_at_last(self, step):
        if step == 2:
            raise KeyboardInterrupt
        return steps(self, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchFeed, "step", stop_at_last)
        main([*arguments(data, tmp_path / "cut"), "--checkpoint-every", "1"])
    assert not (tmp_path / "cut").exists()
    assert main([*arguments(data, tmp_path / "cut"), "--checkpoint-every", "1", "--resume"]) == 0
    again = [json.loads(line)["loss"] for line in (tmp_path / "cut.training" / "log.jsonl").read_text().splitlines()]
    assert again == whole


def test_without_a_box_head_only_the_score_is_learned(data, tmp_path, run):
    run(*arguments(data, tmp_path / "net", "--no-boxes"))
    assert twinnet.load(tmp_path / "net").distance.box_head is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--search-size", "130"], "leave no room"),
        (["--no-boxes", "--model", "all-MiniLM-L6-v2"], "leave them out"),
        (["--loss", "triplet"], "loss"),
    ],
)
def test_bad_arguments_are_refused(data, tmp_path, capsys, more, message):
    assert main(arguments(data, tmp_path / "net", *more)) == 2
    assert message in capsys.readouterr().err


def test_nothing_to_train_on_is_refused(tmp_path, capsys):
    assert main(["train", "track", "--out", str(tmp_path / "net")]) == 2
    assert "nothing to train on" in capsys.readouterr().err
    assert main(["train", "track", str(tmp_path), "--out", str(tmp_path / "net")]) == 2
    assert "no sequence" in capsys.readouterr().err
