import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet.errors import TwinnetError
from twinnet.verification.signature.recipes import Dey, Fitted, Hafemann, make_recipe


def blob(seed, height, width):
    rng = np.random.default_rng(seed)
    ink = np.zeros((height, width), np.uint8)
    for _ in range(3):
        a, b = (tuple(int(v) for v in rng.integers(0, (width, height))) for _ in range(2))
        cv2.line(ink, a, b, 255, 3)
    return ink


def hafemann_by_loops(ink, canvas, resized, size):
    """The recipe of the paper and of the authors' code (sigver), pixel by pixel, on paper that is white."""
    threshold = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    blurred = cv2.GaussianBlur(ink, (0, 0), 2)
    places = [(y, x) for y in range(ink.shape[0]) for x in range(ink.shape[1]) if blurred[y, x] > threshold]
    if not places:
        places = [(y, x) for y in range(ink.shape[0]) for x in range(ink.shape[1]) if ink[y, x] > threshold]
    top, left = min(y for y, _ in places), min(x for _, x in places)
    bottom, right = max(y for y, _ in places), max(x for _, x in places)
    middle = [math.floor(sum(p[axis] for p in places) / len(places) - (top, left)[axis]) for axis in (0, 1)]
    starts = []
    for axis, length in enumerate((bottom - top + 1, right - left + 1)):
        start = canvas[axis] // 2 - middle[axis]
        starts.append(max(0, min(start, canvas[axis] - length)))
    page = np.zeros(canvas, np.uint8)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            if ink[y, x] >= threshold:
                page[starts[0] + y - top, starts[1] + x - left] = ink[y, x]
    factor = max(resized[0] / canvas[0], resized[1] / canvas[1])
    shape = (round(canvas[0] * factor), round(canvas[1] * factor))
    small = cv2.resize(page, shape[::-1], interpolation=cv2.INTER_AREA)
    for wanted in (resized, size):
        y, x = (small.shape[0] - wanted[0]) // 2, (small.shape[1] - wanted[1]) // 2
        small = small[y : y + wanted[0], x : x + wanted[1]]
    return small


@given(st.integers(0, 10_000), st.integers(40, 150), st.integers(40, 200))
@settings(max_examples=25, deadline=None)
def test_hafemann_is_the_loops_of_the_paper(seed, height, width):
    ink = blob(seed, height, width)
    options = {"canvas": (160, 220), "resized": (80, 110), "size": (70, 100)}
    fitted, lost = Hafemann(**options).fit(ink)
    assert np.array_equal(fitted, hafemann_by_loops(ink, **options))
    assert lost == 0


def test_hafemann_has_the_constants_of_the_paper():
    recipe = Hafemann()
    assert (recipe.canvas, recipe.resized, recipe.size) == ((952, 1360), (170, 242), (150, 220))


def test_hafemann_says_how_much_ink_the_canvas_cut_off():
    ink = np.zeros((300, 100), np.uint8)
    ink[10:290, 40:50] = 255
    fitted, lost = Hafemann(canvas=(200, 200), resized=(100, 100), size=(100, 100)).fit(ink)
    assert 70 * 10 <= lost <= 90 * 10
    assert fitted.shape == (100, 100)


def test_dey_squashes_the_whole_picture():
    ink = blob(0, 100, 400)
    fitted, _ = Dey(std=51.0).fit(ink)
    assert np.array_equal(fitted, cv2.resize(ink, (220, 155), interpolation=cv2.INTER_LINEAR))
    assert Dey(std=51.0).scale == pytest.approx(5.0)


@given(st.integers(0, 10_000), st.integers(20, 300), st.integers(20, 300))
@settings(max_examples=30, deadline=None)
def test_fitted_touches_its_margin_and_keeps_the_aspect(seed, height, width):
    ink = blob(seed, height, width)
    rows, columns = np.flatnonzero((ink > 127).any(1)), np.flatnonzero((ink > 127).any(0))
    box = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    fitted, _ = Fitted(size=(64, 128), margin=4).fit(ink)
    factor = min(56 / box[0], 120 / box[1])
    inked = fitted > 0
    found = [np.flatnonzero(inked.any(axis)) for axis in (1, 0)]
    for places, n, room in zip(found, box, (64, 128), strict=True):
        assert abs((places[-1] - places[0] + 1) - n * factor) <= 2
        assert abs((places[0] + places[-1]) / 2 - (room - 1) / 2) <= 1.5


def test_resolution_does_not_matter_to_fitted():
    small = blob(3, 120, 240)
    large = cv2.resize(small, (960, 480), interpolation=cv2.INTER_LINEAR)
    a, b = (Fitted().fit(ink)[0].astype(float) for ink in (small, large))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


@pytest.mark.parametrize(
    ("name", "options", "names"),
    [
        ("hafeman", {}, "did you mean 'hafemann'"),
        ("dey", {"std": 0}, "std is 0"),
        ("dey", {"std": float("nan")}, "std is nan"),
        ("dey", {"margin": 2}, "margin"),
        ("fitted", {"margin": -5}, "margins of -5"),
        ("fitted", {"size": (8, 8)}, "margins of 4"),
        ("fitted", {"size": (8,)}, "height and width"),
        ("hafemann", {"size": (500, 500)}, "larger than resized"),
    ],
)
def test_recipes_that_make_no_sense(name, options, names):
    with pytest.raises(TwinnetError, match=names):
        make_recipe(name, **options)
