"""Pairs, baselines and measures, on the two photographs that come with scikit-learn."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from twinnet_unet.cli import main
from twinnet_unet.differencing import compensated_difference, difference
from twinnet_unet.drawing import changed_boxes, draw_changes
from twinnet_unet.measures import best_threshold, count, f1, summary
from twinnet_unet.pairs import ChangePairs
from twinnet_unet.photographs import read_folders

SKLEARN = Path(next(iter(find_spec("sklearn").submodule_search_locations))) / "datasets" / "images"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Pieces of the photographs, some with a mask."""
    folder = tmp_path_factory.mktemp("photographs")
    for name in ("china", "flower"):
        picture = Image.open(SKLEARN / f"{name}.jpg")
        for number in range(8):
            x, y = 130 * (number % 4), 180 * (number // 4)
            picture.crop((x, y, x + 160, y + 120)).save(folder / f"{name}{number}.png")
            mask = np.zeros((120, 160), np.uint8)
            mask[30:90, 40:110] = 255
            Image.fromarray(mask).save(folder / f"{name}{number}_mask.png")
    return folder


@pytest.fixture
def pairs(folder):
    return ChangePairs(read_folders([folder], held_out=False), size=64)


def test_photographs_are_on_one_side_and_masks_on_none(folder):
    sides = [read_folders([folder], held_out=side) for side in (True, False)]
    names = [{path.name for path in side.scenes} for side in sides]
    assert not names[0] & names[1]
    assert len(names[0] | names[1]) == 16
    assert not any("_mask" in name for name in names[0] | names[1])
    assert all(side.objects == side.scenes for side in sides)


def test_a_pair_is_a_function_of_seed_and_row(folder, pairs):
    again = ChangePairs(read_folders([folder], held_out=False), size=64)
    for row in (3, 0, 3):
        for field in ("before", "after", "same"):
            assert (getattr(pairs.pair(row), field) == getattr(again.pair(row), field)).all()
    assert (pairs.pair(0).before != pairs.pair(1).before).any()


def test_pictures_differ_most_where_the_mask_says_so(pairs):
    apart = {0: [], 1: []}
    for row in range(40):
        pair = pairs.pair(row)
        assert pair.before.shape == pair.after.shape == (64, 64, 3)
        assert set(np.unique(pair.same)) <= {0, 1}
        values = -compensated_difference(pair.before, pair.after)
        for label in (0, 1):
            apart[label].extend(values[pair.same == label])
    assert len(apart[0]) > 1000
    assert np.mean(apart[0]) > 2 * np.mean(apart[1])


def test_differences_against_plain_ones():
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 256, (40, 50, 3), np.uint8)
    other = rng.integers(0, 256, (40, 50, 3), np.uint8)
    for y, x in ((0, 0), (7, 30), (39, 49)):
        worst = max(abs(int(a) - int(b)) for a, b in zip(scene[y, x], other[y, x], strict=True))
        assert difference(scene, other)[y, x] == -worst
    # Other light and a shift of two pixels are no change.
    dimmed = np.roll(scene, 2, axis=1) // 2 + 20
    inner = np.s_[8:-8, 8:-8]
    assert compensated_difference(scene, dimmed)[inner].min() > -4
    assert difference(scene, dimmed)[inner].min() < -50


def test_f1_and_its_best_threshold_against_trying_all():
    rng = np.random.default_rng(0)
    same = [rng.integers(0, 2, (6, 7)) for _ in range(3)]
    scores = [np.round(s + rng.normal(0, 0.7, s.shape), 1) for s in same]

    def f1_at(threshold):
        counts = sum(count(s == 0, v < threshold) for s, v in zip(same, scores, strict=True))
        hit, false, missed = counts
        assert f1(counts) == pytest.approx(2 * hit / (2 * hit + false + missed))
        return f1(counts)

    tried = max(f1_at(t) for t in np.arange(-4, 4, 0.05))
    assert f1_at(best_threshold(scores, same)) == pytest.approx(tried)


def test_the_summary_has_figures_over_all_pixels():
    figures = summary([np.array([8, 2, 0]), np.array([2, 0, 8]), np.array([0, 0, 0])])
    assert figures["precision"] == pytest.approx(10 / 12)
    assert figures["recall"] == pytest.approx(10 / 18)
    assert figures["f1"] == pytest.approx(20 / 30)
    assert figures["low"] <= figures["f1"] <= figures["high"]


def test_what_changed_is_boxed_and_drawn():
    odds = np.full((40, 60), 9.0)
    odds[10:20, 30:36] = -9
    odds[0, 0] = -9  # a speck
    assert changed_boxes(odds) == [(30, 10, 6, 10)]
    drawn = draw_changes(np.full((40, 60, 3), 100, np.uint8), odds)
    assert abs(drawn[30, 10].astype(int) - 100).max() <= 1
    assert drawn[15, 33, 0] > 180 > drawn[15, 33, 1]


def test_the_command_trains_measures_and_draws(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("twinnet_unet.cli.TRAINING_PAIRS", 3)

    def run(*arguments, code=0):
        assert main([*map(str, arguments)]) == code
        printed = capsys.readouterr()
        return json.loads(printed.out) if code == 0 else printed.err

    model, out = tmp_path / "net", tmp_path / "map.png"
    small = ["--channels", 2, "--pairs", 8, "--batch-size", 4, "--size", 32]
    trained = run("train", folder, "--out", model, *small)
    assert (trained["steps"], trained["out"]) == (2, str(model))
    figures = run("eval", folder, "--model", model, "--pairs", 4, "--size", 32)
    assert {str(model), "difference", "compensated difference"} <= set(figures)
    before, after = folder / "china0.png", folder / "china1.png"
    assert run("map", before, after, "--model", model, "--out", out)["changed"] <= 1
    assert Image.open(out).size == (160, 120)
    assert "one size" in run("map", before, SKLEARN / "china.jpg", "--model", model, "--out", out, code=2)
    assert "no such folder" in run("eval", tmp_path / "nowhere", code=2)
    assert "2 are needed" in run("eval", tmp_path / "net", code=2)
