"""Pictures on the command line, run inside this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import twinnet
from twinnet.cli.main import main

BACKBONE = '{"name": "timm", "model": "resnet18", "layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_width": 8}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of stripes in three directions, some of them coloured."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    wave = np.indices((32, 32))
    for name, (dy, dx) in {"across": (1, 0), "down": (0, 1), "slanted": (1, 1)}.items():
        (folder / name).mkdir()
        for i in range(6):
            stripes = 120 + 100 * np.sin((dy * wave[0] + dx * wave[1]) * 0.8 + rng.uniform(0, 6))
            noisy = np.clip(stripes[..., None] + rng.normal(0, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / name / f"{i}.jpg")
    return folder


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "net"
    settings = ["--head", "gem", "bnneck", "--size", "32", "32", "--augment", "RandomHorizontalFlip"]
    arguments = ["train", "images", str(folder), "--dev", str(folder), "--backbone", BACKBONE, "--out", str(out)]
    assert main([*arguments, *settings, "--epochs", "2", "--batch-size", "6", "--per-class", "2", "--json"]) == 0
    return out


def test_train_writes_a_network_that_remembers_its_augmentation(trained, capsys):
    network = twinnet.load(trained)
    assert network.tower.preprocess.config["augment"] == ["RandomHorizontalFlip"]
    assert network.tower.preprocess.size == (32, 32)


@pytest.mark.parametrize(
    ("loss", "more"),
    [("pml/ArcFaceLoss", []), ("pml/SupConLoss", []), ("contrastive", ["--pairs", "12"]), ("infonce", []),
     ("logistic", ["--pairs", "12", "--distance", "weighted-l1"])],
)  # fmt: skip
def test_every_kind_of_loss(folder, tmp_path, capsys, loss, more):
    arguments = [
        "train",
        "images",
        str(folder),
        "--backbone",
        BACKBONE,
        "--out",
        str(tmp_path / "net"),
        "--size",
        "32",
        "32",
    ]
    assert main([*arguments, "--loss", loss, "--batch-size", "6", "--per-class", "2", "--json", *more]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["steps"] > 0
    assert twinnet.load(tmp_path / "net").dim == 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--backbone"),
        (["--backbone", "timm/resnet19"], "resnet18"),
        (["--backbone", BACKBONE, "--augment", "RandomFlop"], "RandomFlop"),
        (["--backbone", BACKBONE, "--loss", "contrastive"], "class label"),
        (["--model", "net", "--distance", "dot"], "leave them out with --model"),
    ],
)
def test_bad_settings_are_one_line(folder, tmp_path, capsys, arguments, message):
    assert main(["train", "images", str(folder), "--out", str(tmp_path / "net"), *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_encode_leaves_out_bad_pictures_and_names_them(folder, trained, tmp_path, capsys):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for i, path in enumerate(sorted(folder.glob("*/*.jpg"))):
        (mixed / f"{i:02}.jpg").write_bytes(path.read_bytes())
    (mixed / "07.jpg").write_bytes(b"this is text")
    (mixed / "09.jpg").write_bytes(b"")
    out = tmp_path / "rows.npy"
    assert main(["encode", str(mixed), "--model", str(trained), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "07.jpg is not a picture" in said
    assert "09.jpg" in said
    assert "2 of 18 pictures" in said
    names = out.with_suffix(".names.txt").read_text().splitlines()
    assert not {"07.jpg", "09.jpg"} & {Path(name).name for name in names}
    expected = twinnet.load(trained).encode(names)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-5)


def test_names_that_cannot_be_written_are_refused_before_the_work(folder, trained, tmp_path, refused):
    odd = tmp_path / "odd"
    odd.mkdir()
    picture = next(folder.glob("*/*.jpg")).read_bytes()
    (odd / "a\nb.jpg").write_bytes(picture)
    command = ("encode", odd, "--model", trained, "--out")
    assert "several lines" in refused(*command, tmp_path / "x.npy")
    assert main([*map(str, command), str(tmp_path / "x.jsonl")]) == 0
    (odd / "\udcff.jpg").write_bytes(picture)
    assert "not Unicode" in refused(*command, tmp_path / "y.jsonl")


def test_encode_takes_tables_of_paths(folder, trained, tmp_path, capsys):
    (folder / "list.csv").write_text("image,label\nacross/0.jpg,a\ndown/1.jpg,b\n")
    assert main(["encode", str(folder / "list.csv"), "--model", str(trained), "--out", str(tmp_path / "x.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [row["image"] for row in rows] == [str(folder / "across/0.jpg"), str(folder / "down/1.jpg")]
    (folder / "list.csv").unlink()


def test_a_list_of_pictures_is_not_written_over(folder, trained, tmp_path):
    names = [str(path) for path in sorted(folder.glob("*/*.jpg"))[:2]]
    (tmp_path / "list.txt").write_text("\n".join(names))
    arguments = [str(tmp_path / "list.txt"), "--model", str(trained), "--out", str(tmp_path / "list.npy")]
    assert main(["encode", *arguments]) == 0
    assert (tmp_path / "list.txt").read_text().splitlines() == names


def test_encode_does_not_take_a_folder_for_text(folder, model, tmp_path, capsys):
    assert main(["encode", str(folder), "--model", str(model), "--out", str(tmp_path / "x.npy")]) == 2
    assert "takes text" in capsys.readouterr().err
