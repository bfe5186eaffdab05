from __future__ import annotations

import runpy
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from twinnet import TwinnetError
from twinnet.distances.minkowski import Euclidean
from twinnet.image.omniglot import one_shot_trials, oriented, read_omniglot, verification_pairs
from twinnet.image.omniglot_measures import _best_threshold, _one_shot, ink_figures

EXAMPLE = Path(__file__).parents[2] / "examples" / "omniglot.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("omniglot")
    runpy.run_path(str(EXAMPLE))["draw_tiny_omniglot"](folder)
    return folder


@pytest.fixture(scope="module")
def split(folder):
    return read_omniglot(folder)


def test_parts_are_disjoint_in_alphabets_and_drawers(split):
    assert set(split.train.drawers) == set(range(1, 13))
    assert set(split.dev.drawers) == set(range(13, 17))
    assert set(split.test.drawers) == set(range(17, 21))
    assert (len(split.train), len(split.dev), len(split.test)) == (2 * 4 * 12, 4 * 4, 4 * 4)
    assert not set(split.dev.alphabets) & set(split.test.alphabets)


def test_pairs_are_of_two_drawers_in_one_alphabet(split):
    left, right, labels = verification_pairs(split.train, 400)
    train = split.train
    assert (train.alphabets[left] == train.alphabets[right]).all()
    assert (train.drawers[left] != train.drawers[right]).all()
    np.testing.assert_array_equal(train.characters[left] == train.characters[right], labels == 1)
    assert labels.sum() == 200
    counts = np.unique(train.alphabets[left], return_counts=True)[1]
    assert (counts == 200).all()


def test_trials_have_two_drawers_and_the_same_characters_in_order(split):
    trials = list(one_shot_trials(split.test, repeats=3))
    assert len(trials) == 3
    for items, support in trials:
        np.testing.assert_array_equal(split.test.characters[items], split.test.characters[support])
        assert len(set(split.test.characters[items])) == len(items) == 4
        assert len(set(split.test.drawers[items])) == len(set(split.test.drawers[support])) == 1
        assert split.test.drawers[items][0] != split.test.drawers[support][0]


def test_turned_and_mirrored_characters_are_classes_of_their_own(split):
    pictures, classes, groups = oriented(split.dev)
    assert (len(set(classes)), len(set(groups))) == (8 * 4, 8 * 1)
    assert len({picture.tobytes() for picture in pictures[:: len(split.dev)]}) == 8
    mirrored = classes.index(f"{split.dev.characters[0]}/5")
    assert groups[mirrored] == f"{split.dev.alphabets[0]}/5"
    np.testing.assert_array_equal(pictures[mirrored], np.fliplr(np.rot90(split.dev.pictures[0])))


def test_the_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.5
    scores = (rng.normal(size=200) + labels).round(1)
    threshold = _best_threshold(scores, labels)
    best = max(((scores >= t) == labels).mean() for t in [*scores, 99.0])
    assert ((scores >= threshold) == labels).mean() == best


def test_scores_that_are_equal_are_accepted_together():
    labels = np.array([1, 0, 0, 0, 1, 1, 1], dtype=bool)
    assert _best_threshold(np.array([1, 1, 1, 1, 0.5, 0.5, 0.5]), labels) == 0.5


def test_one_shot_accuracy_counts_nearest_neighbours():
    rows = np.array([[0.0], [5.0], [9.0], [0.4], [8.0], [5.5]], dtype=np.float32)
    trial = (np.array([0, 1, 2]), np.array([3, 4, 5]))  # 5 is closer to 5.5, and 9 to 8
    assert _one_shot(rows, Euclidean(), [trial]) == pytest.approx(1 / 3)


def test_ink_alone_is_measured_too(split):
    assert set(ink_figures(split)) == {"verification", "one_shot", "one_shot_many"}


def test_other_archives_are_refused(tmp_path, folder):
    with pytest.raises(TwinnetError, match="images_background.zip"):
        read_omniglot(tmp_path)
    for name in ("images_background.zip", "images_evaluation.zip"):
        with ZipFile(folder / name) as archive, ZipFile(tmp_path / name, "w") as other:
            other.writestr("a/b/picture.png", archive.read(archive.namelist()[0]))
    with pytest.raises(TwinnetError, match="number of a drawer"):
        read_omniglot(tmp_path)
    for name in ("images_background.zip", "images_evaluation.zip"):
        with ZipFile(tmp_path / name, "w") as other:
            other.writestr("0001_01.png", b"")
    with pytest.raises(TwinnetError, match=r"0001_01\.png"):
        read_omniglot(tmp_path)
