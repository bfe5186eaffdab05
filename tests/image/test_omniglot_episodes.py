from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from twinnet.image.omniglot import Drawings
from twinnet.image.omniglot_episodes import episodes


@pytest.fixture
def drawings():
    """Two alphabets of three and two characters by four drawers each, in no order."""
    rng = np.random.default_rng(0)
    rows = [(a, f"{a}/{c}", d) for a, size in (("Greek", 3), ("Latin", 2)) for c in range(size) for d in range(1, 5)]
    alphabets, characters, drawers = (np.array(column) for column in zip(*rng.permutation(rows), strict=True))
    pictures = [rng.integers(0, 256, (6, 5, 1), np.uint8) for _ in rows]
    return Drawings(pictures, alphabets, characters, drawers.astype(int))


def test_an_episode_has_two_drawers_and_the_characters_of_an_alphabet_turned_alike(drawings):
    row_of = {picture.tobytes(): row for row, picture in enumerate(drawings.pictures)}
    found = episodes(drawings, 3)
    seen = defaultdict(list)
    columns = (found.left, found.right, found.characters, found.alphabets, found.drawers)
    for left, right, character, alphabet, drawers in zip(*columns, strict=True):
        name, turn = character[:-2], int(character[-1])
        assert alphabet == f"{name.split('/')[0]}/{turn}"
        upright = [np.rot90(side[:, ::-1] if turn >= 4 else side, -(turn % 4)) for side in (left, right)]
        rows = [row_of[np.ascontiguousarray(side).tobytes()] for side in upright]
        assert drawings.characters[rows].tolist() == [name, name]
        seen[alphabet, drawers].append((name, *drawings.drawers[rows].tolist()))
    assert len(seen) == 8 * 2 * 3
    for (alphabet, _), pairs in seen.items():
        names, ones, others = map(set, zip(*pairs, strict=True))
        assert len(names) == len(pairs) == (3 if alphabet.startswith("Greek") else 2)
        assert (len(ones), len(others), len(ones & others)) == (1, 1, 0)


def test_more_episodes_than_pairs_of_drawers_are_all_of_them(drawings):
    found = episodes(drawings, 99)
    assert len(set(found.drawers)) == 4 * 3 // 2
    assert len(found.left) == 8 * 5 * 6
