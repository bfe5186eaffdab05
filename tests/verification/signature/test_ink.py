import cv2
import numpy as np
import pytest

from tests.verification.signature.conftest import draw, scribble
from twinnet.verification.signature.ink import find_ink, paper_of
from twinnet.verification.signature.ruling import ruled_lines, without_ruling

CLEAN = [0, 1, 2]


def overlap(a, b):
    """Intersection over union of two masks, one pixel of disagreement at the rim allowed."""
    wide = [cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 for mask in (a, b)]
    return ((a & wide[1]).sum() + (b & wide[0]).sum()) / (a.sum() + b.sum())


def photograph(page, rng, *, light=False, paper=(255, 255, 255), ink=(0, 0, 0), lines=False, noise=0.0, angle=0.0):
    """What a camera makes of a clean page."""
    height, width = page.shape[:2]
    amount = 1 - page[:, :, :1] / 255.0
    colour = np.ones((height, width, 3)) * paper
    if lines:
        for y in range(20, height, 30):
            colour[y : y + 2] *= (0.65, 0.72, 0.85)
    picture = colour * (1 - amount) + np.array(ink) * amount
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    picture = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if light:
        picture *= np.linspace(0.35, 1, width)[None, :, None] * np.linspace(1, 0.75, height)[:, None, None]
    picture += rng.normal(0, noise, picture.shape) if noise else 0
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", CLEAN)
def test_a_clean_scan_keeps_its_ink_to_the_pixel(seed):
    page = draw(scribble(seed))
    assert np.abs(find_ink(page).pixels.astype(int) - (255 - page[:, :, 0])).max() <= 40
    assert np.array_equal(find_ink(page).pixels > 127, page[:, :, 0] < 128)


@pytest.mark.parametrize("seed", CLEAN)
@pytest.mark.parametrize(
    "kind",
    [
        {"light": True},
        {"paper": (235, 205, 150)},
        {"paper": (180, 220, 235), "ink": (40, 50, 140)},
        {"lines": True},
        {"noise": 8.0},
        {"light": True, "paper": (240, 220, 180), "lines": True, "noise": 5.0, "ink": (40, 50, 140)},
    ],
)
def test_photographs_give_the_ink_of_the_scan(seed, kind):
    page = draw(scribble(seed))
    found = find_ink(photograph(page, np.random.default_rng(seed), **kind))
    assert overlap(found.pixels > 127, page[:, :, 0] < 128) > 0.93


@pytest.mark.parametrize("angle", [-3.0, 2.0])
def test_ruled_lines_are_found_on_turned_paper(angle):
    rng = np.random.default_rng(0)
    page = draw(scribble(3))
    ruled = photograph(page, rng, lines=True, angle=angle)
    plain = photograph(page, rng, angle=angle)
    assert overlap(find_ink(ruled).pixels > 127, find_ink(plain).pixels > 127) > 0.93


def test_squared_paper():
    page = draw(scribble(4))
    squared = page.copy()
    squared[15::40] = np.minimum(squared[15::40], 170)
    squared[:, 15::40] = np.minimum(squared[:, 15::40], 170)
    assert overlap(find_ink(squared).pixels > 127, page[:, :, 0] < 128) > 0.9


def test_one_line_across_the_picture_is_a_stroke():
    page = draw([*scribble(5), [(0, 200), (479, 205)]])
    mask = page[:, :, 0] < 128
    kept, ruled = without_ruling(mask)
    assert not ruled
    assert np.array_equal(kept, mask)


def test_lines_are_where_they_were_drawn():
    mask = np.zeros((200, 400), bool)
    for row in (30, 80, 130):
        for column in range(400):
            mask[round(row + 0.03 * column), column] = True
    found = sorted(ruled_lines(mask))
    assert len(found) == 3
    for (row, slope), expected in zip(found, (30, 80, 130), strict=True):
        assert abs(row - expected) <= 2
        assert abs(slope - 0.03) < 0.005


@pytest.mark.parametrize("seed", CLEAN)
def test_light_ink_on_a_dark_ground_is_ink_too(seed):
    page = draw(scribble(seed))
    np.testing.assert_array_equal(find_ink(255 - page).pixels, find_ink(page).pixels)
    assert find_ink(np.zeros_like(page)) is None


@pytest.mark.parametrize("noise", [0.0, 6.0])
@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("light", [False, True])
def test_an_empty_page_has_no_ink(noise, lines, light):
    page = np.full((240, 480, 3), 255, np.uint8)
    assert find_ink(photograph(page, np.random.default_rng(1), light=light, lines=lines, noise=noise)) is None


def test_paper_is_what_is_without_ink():
    rng = np.random.default_rng(2)
    empty = photograph(np.full((240, 480, 3), 255, np.uint8), rng, light=True)
    written = photograph(draw(scribble(0)), rng, light=True)
    assert np.abs(paper_of(written).astype(int) - empty).mean() < 10


def test_large_pictures_are_worked_on_at_a_bounded_size():
    page = cv2.resize(draw(scribble(0)), (4000, 2000), interpolation=cv2.INTER_LINEAR)
    assert max(find_ink(page).pixels.shape) == 1600
