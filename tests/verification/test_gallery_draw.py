from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.verification.gallery_draw import draw_gallery


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=12), st.integers(1, 3), st.floats(0, 0.9), st.integers(0, 99))
def test_who_is_enrolled_and_who_searches(sizes, enrol, share, seed):
    owners = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    able = {person for person, size in enumerate(sizes) if size > enrol}
    wanted = len(sizes) - round(share * len(sizes))
    if not able or not wanted:
        with pytest.raises(TwinnetError, match="nobody can be enrolled"):
            draw_gallery(owners, enrol, share, seed)
        return
    gallery, probes = draw_gallery(owners, enrol, share, seed)
    assert sorted([*gallery, *probes]) == list(range(len(owners)))
    people = Counter(owners[gallery].tolist())
    assert set(people) <= able
    assert set(people.values()) == {enrol}
    assert len(people) == min(wanted, len(able))
    again = draw_gallery(owners, enrol, share, seed)
    assert all((a == b).all() for a, b in zip((gallery, probes), again, strict=True))


def test_the_seed_decides():
    owners = np.repeat(np.arange(20), 5)
    drawn = {tuple(draw_gallery(owners, 2, 0.5, seed)[0].tolist()) for seed in range(5)}
    assert len(drawn) == 5


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_no_share(share):
    with pytest.raises(TwinnetError, match="share of strangers"):
        draw_gallery([0, 0, 1, 1], 1, share)
