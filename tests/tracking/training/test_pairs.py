"""Pairs and views: what is drawn where the box says, and the same for the same seed and row."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.errors import TwinnetError
from twinnet.tracking.training import folder, views
from twinnet.tracking.training.pairs import TrackingPairs
from twinnet.tracking.training.settings import PairSettings
from twinnet.tracking.training.subjects import Pictures, Sighting
from twinnet.tracking.training.views import Placement

GREEN = (0, 255, 0)


def write_picture(path: Path, box, colour=GREEN, outline=False):
    """A grey picture with a rectangle, and its outline."""
    x, y, w, h = box
    picture, mask = np.full((120, 160, 3), 90, np.uint8), np.zeros((120, 160), np.uint8)
    picture[y : y + h, x : x + w] = colour
    mask[y : y + h, x : x + w] = 255
    cv2.imwrite(str(path), picture)
    if outline:
        cv2.imwrite(str(path.with_name(path.stem + "_mask.png")), mask)


@pytest.fixture
def data(tmp_path):
    for clip in range(2):
        (tmp_path / f"clip{clip}").mkdir()
        boxes = [(20 + 8 * i, 30 + 2 * i, 30, 24) for i in range(5)]
        for number, box in enumerate(boxes):
            write_picture(tmp_path / f"clip{clip}" / f"{number}.png", box, outline=clip == 0)
        lines = [f"{i}.png,{','.join(map(str, box))}" for i, box in enumerate(boxes)]
        (tmp_path / f"clip{clip}" / "boxes.csv").write_text("\n".join(["file,x,y,w,h", *lines]) + "\n")
    return tmp_path


def target_share(crop):
    """How much of each pixel the target covers."""
    share = (crop[..., 1].astype(float) - crop[..., 0]) / 255
    return np.where(share < 0.2, 0, share)  # the border has a little green too


def target_box(crop):
    """The box around the target, to a part of a pixel, from how much of each pixel it covers."""
    share = target_share(crop)
    edges = []
    for axis in (0, 1):
        profile = share.max(axis)
        edges.append((float((np.arange(len(profile)) + 0.5) @ profile / profile.sum()), float(profile.sum())))
    (x, w), (y, h) = edges
    return x - w / 2, y - h / 2, w, h


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(5, 60), st.integers(5, 50), st.integers(12, 60), st.integers(12, 60)),
    st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    st.tuples(st.floats(0.7, 1.4), st.floats(0.7, 1.4)),
    st.booleans(),
)
def test_the_box_of_a_view_is_where_the_target_is_drawn(tmp_path_factory, box, shift, scale, flip):
    path = tmp_path_factory.mktemp("picture") / "a.png"
    write_picture(path, box)
    matrix = views.to_crop(box, 193, 129, Placement(shift, scale, flip))
    crop = views.cut(Pictures(), Sighting(path, box), matrix, 193)
    np.testing.assert_allclose(target_box(crop), views.moved(box, matrix), atol=1)


def test_an_undisturbed_placement_is_the_exemplar_crop():
    from twinnet.tracking.crops import crop, exemplar_region, mean_colour

    frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    box = (33.3, 41.7, 31.0, 22.0)
    matrix = views.to_crop(box, 129, 129, Placement())
    expected = crop(frame, exemplar_region(box), 129, mean_colour(frame))
    np.testing.assert_allclose(
        views.warp(frame, matrix, 129, mean_colour(frame)).astype(int), expected.astype(int), atol=2
    )


def test_pasting_shows_the_target_on_the_other_crop(data):
    sighting = folder.clips(data / "clip0")[0].sightings[0]
    onto = np.zeros((129, 129, 3), np.uint8)
    matrix = views.to_crop(sighting.box, 129, 129, Placement())
    pasted = views.paste(Pictures(), sighting, matrix, onto)
    x, y, w, h = (round(v) for v in views.moved(sighting.box, matrix))
    assert (pasted[y + 3 : y + h - 3, x + 3 : x + w - 3] == GREEN).all()
    outside = np.ones((129, 129), bool)
    outside[y - 2 : y + h + 2, x - 2 : x + w + 2] = False
    assert not pasted[outside].any()


def test_a_covered_box_is_hidden_by_half_at_most_and_only_near_it():
    white, black = np.full((100, 100, 3), 255, np.uint8), np.zeros((20, 20, 3), np.uint8)
    box = (30.0, 40.0, 40.0, 20.0)
    for seed in range(30):
        hidden = views.cover(white, box, black, np.random.default_rng(seed))[..., 0] == 0
        assert hidden[40:60, 30:70].mean() <= 0.5
        hidden[36:64, 24:76] = False
        assert not hidden.any()


def test_rows_are_functions_of_the_seed_and_the_row(data):
    subjects = folder.clips(data)
    one, two = (TrackingPairs([(1.0, subjects)], seed=3) for _ in range(2))
    other = TrackingPairs([(1.0, subjects)], seed=4)
    for row in (5, 0, 7):
        a, b = one.pair(row), two.pair(row)
        assert (a.exemplar == b.exemplar).all() and (a.search == b.search).all()
        assert (a.recent == b.recent).all() and a.target == b.target
    assert one.pair(0).target != one.pair(1).target != other.pair(1).target


def test_pairs_show_the_target_in_the_box_and_say_when_it_is_absent(data):
    quiet = PairSettings(search_size=193, pasted=0.0, distractors=0.0, covered=0.0, grey=0.0, absent=0.3, renewed=0.0)
    pairs = TrackingPairs([(1.0, folder.clips(data))], quiet)
    examples = pairs.examples(60)
    absent = 0
    for exemplar, search, recent, (x, y, w, h, ew, eh) in zip(*examples.columns, examples.target, strict=True):
        assert exemplar.shape == (129, 129, 3) and search.shape == (193, 193, 3)
        assert (recent == exemplar).all()
        middle = exemplar[60:69, 60:69].mean((0, 1))
        assert middle[1] > middle[0] + 40
        assert ew / eh == pytest.approx(30 / 24)
        absent += w == 0
        if w:
            inside = search[max(0, round(y + 4)) : round(y + h - 4), max(0, round(x + 4)) : round(x + w - 4)]
            assert inside[..., 1].mean() > inside[..., 0].mean() + 30
    assert 3 <= absent <= 25


def test_recent_looks_are_a_little_off_and_count_for_half_of_the_size(data):
    exact = PairSettings(pasted=0.0, grey=0.0, renewed=1.0, drift=0.0)
    loose = PairSettings(pasted=0.0, grey=0.0, renewed=1.0, drift=0.1)
    subjects, boxes, sizes = folder.clips(data), [], []
    for drawn in (exact, loose):
        pairs = [TrackingPairs([(1.0, subjects)], drawn).pair(row) for row in range(40)]
        assert all(pair.recent.shape == (129, 129, 3) for pair in pairs)
        assert any((pair.recent != pair.exemplar).any() for pair in pairs)
        boxes.append([target_box(pair.recent) for pair in pairs])
        sizes.append([pair.target[4] / pair.target[5] for pair in pairs])
    middles = [np.array([(x + w / 2, y + h / 2) for x, y, w, h in each]) - 64.5 for each in boxes]
    assert np.median(np.abs(middles[0])) < 1.5 < np.median(np.abs(middles[1])) < 15
    assert sizes[0] == pytest.approx([30 / 24] * 40)
    assert 0.01 < np.std(np.log(sizes[1])) < 0.2


def test_one_target_is_too_few(data):
    with pytest.raises(TwinnetError, match="two targets"):
        TrackingPairs([(1.0, folder.clips(data / "clip0"))])


def test_folders_are_read(data):
    assert [len(subject.sightings) for subject in folder.clips(data)] == [5, 5]
    assert [len(subject.sightings) for subject in folder.stills(data)] == [1] * 10
    assert folder.clips(data / "clip0")[0].sightings[1].box == (28.0, 32.0, 30.0, 24.0)
    (data / "clip0" / "boxes.csv").write_text("file,x,y,w,h\n0.png,1,2,30,40\n1.png,nan,2,30,40\n2.png,1,2,30,4\n")
    assert [len(subject.sightings) for subject in folder.clips(data / "clip0")] == [1]


def test_patches_are_pieces_of_the_pictures_that_are_like_no_other(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 256, (90, 120, 3), dtype=np.uint8))
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((90, 120, 3), 90, np.uint8))
    found = [subject.sightings[0] for subject in folder.patches(tmp_path)]
    assert [sighting.picture.name for sighting in found] == [f"{number}.png" for number in range(4) for _ in range(2)]
    boxes = np.array([sighting.box for sighting in found])
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [120, 90]).all()
    assert found == [subject.sightings[0] for subject in folder.patches(tmp_path)]
    assert found != [subject.sightings[0] for subject in folder.patches(tmp_path, seed=1)]
    (tmp_path / "broken.png").write_bytes(b"none")
    with pytest.raises(TwinnetError, match=r"broken\.png"):
        folder.patches(tmp_path)


@pytest.mark.parametrize("line", ["0.png,1,2,3", "0.png,a,2,3,4", "../../secret.png,1,2,30,40", "9.png,1,2,30,40"])
def test_bad_tables_are_refused(data, line):
    (data / "clip0" / "boxes.csv").write_text(f"file,x,y,w,h\n{line}\n")
    with pytest.raises(TwinnetError, match=r"boxes\.csv"):
        folder.clips(data)
    with pytest.raises(TwinnetError, match="no such folder"):
        folder.clips(data / "clip1" / "none")


def test_targets_of_one_clip_are_apart_and_hidden_ones_are_left_out(data):
    rows = ["0.png,20,30,30,24,a", "1.png,28,32,30,24,a", "1.png,60,60,20,20,b", "2.png,61,60,4,20,b"]
    (data / "clip0" / "boxes.csv").write_text("\n".join(["file,x,y,w,h,target", *rows]) + "\n")
    found = folder.clips(data / "clip0")
    assert [[s.picture.name for s in subject.sightings] for subject in found] == [["0.png", "1.png"], ["1.png"]]
    assert found[0].sightings[0].mask == data / "clip0" / "0_mask.png"
