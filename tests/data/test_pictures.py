from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from twinnet import TwinnetError
from twinnet.data.examples import labelled
from twinnet.data.pairing import draw_pairs, same_pairs
from twinnet.data.pictures import files_under, read_pictures
from twinnet.supervision import Supervision


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.png", "a/1.png", "a/2.png", ".hidden/1.png", "a/.DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / name, format="png")
    return tmp_path


def test_a_folder_of_classes(folder):
    examples = read_pictures(folder)
    assert [path.relative_to(folder).as_posix() for path in examples.columns[0]] == ["a/1.png", "a/2.png", "b/2.png"]
    assert (list(examples.target), examples.classes) == ([0, 0, 1], ("a", "b"))
    assert len(files_under(folder)) == 3
    (folder / "a" / "gone.png").symlink_to(folder / "nowhere.png")
    assert len(files_under(folder)) == 4


def test_links_to_folders_are_followed_and_circles_are_not(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "1.png").write_bytes((folder / "a" / "1.png").read_bytes())
    (folder / "c").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "up").symlink_to(folder, target_is_directory=True)
    examples = read_pictures(folder)
    assert [path.relative_to(folder).as_posix() for path in examples.columns[0]][2:] == ["b/2.png", "c/1.png"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(TwinnetError, match="nowhere"):
        files_under(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "kind", "target"),
    [
        ("label,image\nx,a/1.png\ny,b/2.png\n", Supervision.LABELS, [0, 1]),
        ("label,image1,image2\n1,a/1.png,a/2.png\n0,a/1.png,b/2.png\n", Supervision.LABELLED_PAIRS, [1, 0]),
        ("anchor,positive,negative\na/1.png,a/2.png,b/2.png\n", Supervision.TRIPLETS, None),
        ("anchor,positive\na/1.png,a/2.png\n", Supervision.PAIRS, None),
    ],
)
def test_tables_with_paths_relative_to_them(folder, content, kind, target):
    (folder / "table.csv").write_text(content)
    examples = read_pictures(folder / "table.csv")
    assert examples.supervision is kind
    assert (examples.target if target is None else list(examples.target)) == target
    assert all(path.is_file() for column in examples.columns for path in column)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label,image\nx,a/3.png\n", r"table\.csv, line 2: there is no picture .*3\.png"),
        ("label,image1,image2\n2,a/1.png,a/2.png\n", "line 2"),
        ("label,image1,image2\n1,a/1.png,a/2.png\n0.5,a/1.png,b/2.png\n", "line 3: column 'label' is 0.5"),
        ("label,picture\nx,a/1.png\n", "expected label, image;"),
    ],
)
def test_bad_tables_are_named(folder, content, message):
    (folder / "table.csv").write_text(content)
    with pytest.raises(TwinnetError, match=message):
        read_pictures(folder / "table.csv")


def test_a_folder_without_classes_is_refused(tmp_path):
    (tmp_path / "1.png").write_bytes(b"x")
    with pytest.raises(TwinnetError, match="one folder for each class"):
        read_pictures(tmp_path)


def test_drawn_pairs_say_what_they_are():
    labels = np.random.default_rng(0).integers(0, 4, 50).tolist()
    pairs = draw_pairs(labelled([(i, label) for i, label in enumerate(labels)], labels), 200, seed=3)
    for left, right, same in zip(*pairs.columns, pairs.target, strict=True):
        assert (left[1] == right[1]) == bool(same)
        assert left[0] != right[0]
    assert sum(pairs.target) == 100
    assert pairs == draw_pairs(labelled([(i, label) for i, label in enumerate(labels)], labels), 200, seed=3)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_pairs_need_two_classes_and_one_class_with_two_items(labels):
    with pytest.raises(TwinnetError, match="pairs need"):
        draw_pairs(labelled(["a", "b", "c"], labels), 4)


def test_same_pairs_are_all_pairs_of_each_class():
    items, labels = list("abcdefg"), [2, 0, 2, 1, 0, 2, 3]
    pairs, classes = same_pairs(labelled(items, labels))
    found = {frozenset(pair): label for *pair, label in zip(*pairs.columns, classes, strict=True)}
    assert found == {frozenset("ac"): 2, frozenset("af"): 2, frozenset("cf"): 2, frozenset("be"): 0}
    assert len(pairs) == len(found)
    assert pairs.target is None
    fewer, classes = same_pairs(labelled(items, labels), most=1)
    assert sorted(classes) == [0, 2]
    assert all(frozenset(pair) in found for pair in zip(*fewer.columns, strict=True))
    with pytest.raises(TwinnetError, match="none with two items"):
        same_pairs(labelled(items[:2], [0, 1]))


def test_pairs_of_a_large_class_are_drawn_without_making_all():
    pairs, _ = same_pairs(labelled(range(200_000), [0] * 200_000), most=1000)
    drawn = set(zip(*pairs.columns, strict=True))
    assert len(drawn) == 1000
    assert all(0 <= a < b < 200_000 for a, b in drawn)
