from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from twinnet import TwinnetError
from twinnet.verification import trials
from twinnet.verification.trials import trials_of_identities, trials_of_pairs, trials_of_searches


def as_pairs(found):
    return {
        (found.items[probe], *(found.items[i] for i in references), bool(same))
        for probe, references, same in zip(found.probes, found.references.tolist(), found.same, strict=True)
    }


def test_all_pairs_of_identities():
    items, owners = ["a1", "a2", "b1", "b2", "b3", "c1"], list("aabbbc")
    found = trials_of_identities(items, owners, "here")
    assert as_pairs(found) == {(x, y, x[0] == y[0]) for x, y in combinations(items, 2)}
    for probe, (first, second) in zip(found.probes, found.identities, strict=True):
        assert owners[probe] == "abc"[first]
        assert first != second or found.same.any()


def test_many_pairs_are_drawn_at_random(monkeypatch):
    monkeypatch.setattr(trials, "MOST_IMPOSTORS", 500)
    items, owners = list(range(120)), np.arange(120) // 6
    found = trials_of_identities(items, owners, "here")
    assert found.same.sum() == 20 * 15
    assert (~found.same).sum() == 500
    assert len(as_pairs(found)) == len(found.same)
    assert (as_pairs(found)) == as_pairs(trials_of_identities(items, owners, "here"))


@pytest.mark.parametrize("seed", range(4))
def test_random_references_are_no_probes(seed):
    items, owners = ["a1", "a2", "a3", "b1", "b2", "b3", "b4", "c1"], list("aaabbbbc")
    found = trials_of_identities(items, owners, "here", 2, seed)
    references = {tuple(items[i] for i in row) for row in found.references.tolist()}
    assert sorted(row[0][0] + row[1][0] for row in references) == ["aa", "bb"]
    probes = set(items) - {item for row in references for item in row}
    assert as_pairs(found) == {(probe, *row, probe[0] == row[0][0]) for probe in probes for row in references}


def test_the_seed_decides_on_the_references():
    items, owners = list(range(40)), np.arange(40) // 8
    drawn = {trials_of_identities(items, owners, "here", 3, seed).references.tobytes() for seed in (0, 0, 1, 2)}
    assert len(drawn) == 3


def test_searches_are_every_probe_with_every_enrolled_item(monkeypatch):
    items, owners = ["a1", "b1", "a2", "c1"], list("abac")
    found = trials_of_searches(items, owners, "here", np.array([2, 3]), np.array([0, 1]))
    assert as_pairs(found) == {("a2", "a1", True), ("a2", "b1", False), ("c1", "a1", False), ("c1", "b1", False)}
    monkeypatch.setattr(trials, "MOST_IMPOSTORS", 1)
    assert len(trials_of_searches(items, owners, "here", np.array([2, 3]), np.array([0, 1])).same) == 2


@pytest.mark.parametrize(("owners", "references"), [("aaa", 1), ("abc", 1), ("aabb", 2)])
def test_too_few(owners, references):
    with pytest.raises(TwinnetError, match="here: .* identities"):
        trials_of_identities(list(range(len(owners))), list(owners), "here", references)


def test_listed_pairs_share_identities_through_genuine_pairs():
    found = trials_of_pairs((["a", "b", "x", "a"], ["b", "c", "y", "x"]), [1, 1, 0, 0], "here")
    names = dict(zip(found.items, found.owners.tolist(), strict=True))
    assert names["a"] == names["b"] == names["c"]
    assert len(set(names.values())) == 3
    assert as_pairs(found) == {("a", "b", True), ("b", "c", True), ("x", "y", False), ("a", "x", False)}


def test_references_of_a_trial_are_one_identity():
    found = trials_of_pairs((["p", "q"], ["r1", "s1"], ["r2", "s2"]), [0, 1], "here")
    names = dict(zip(found.items, found.owners.tolist(), strict=True))
    assert names["r1"] == names["r2"]
    assert names["s1"] == names["s2"] == names["q"]
    assert names["p"] not in (names["r1"], names["q"])


def test_scores_are_those_of_the_network(text_network, make_text_network, sentences):
    left, right = sentences[:20], sentences[20:40]
    found = trials_of_pairs((left, right), [0, 1] * 10, "here")
    np.testing.assert_allclose(found.scores(text_network), text_network.score(left, right), atol=1e-6)
    text_network.other = make_text_network(seed=3).tower
    np.testing.assert_allclose(found.scores(text_network), text_network.score(left, right), atol=1e-6)


def test_scores_of_several_references(text_network, sentences):
    columns = (sentences[:9], sentences[9:18], sentences[18:27])
    found = trials_of_pairs(columns, [0, 1, 0] * 3, "here")
    each = np.stack([text_network.score(columns[0], columns[1]), text_network.score(columns[0], columns[2])])
    np.testing.assert_allclose(found.scores(text_network, "mean"), each.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.scores(text_network, "max"), each.max(axis=0), atol=1e-6)


def test_keys_are_those_of_the_content(tmp_path):
    for name, content in (("a.png", b"1"), ("copy.png", b"1"), ("b.png", b"2")):
        (tmp_path / name).write_bytes(content)
    original, copy, other = (tmp_path / name for name in ("a.png", "copy.png", "b.png"))
    first = list(trials_of_pairs(([original], [other]), [1], "here").keys())
    assert first == list(trials_of_pairs(([other], [copy]), [0], "there").keys())
    assert first != list(trials_of_pairs(([original], [copy]), [1], "here").keys())


def test_keys_tell_pixels_apart():
    white = np.full((64, 64, 3), 255, dtype=np.uint8)
    marked = white.copy()
    marked[30:34, 30:34] = 0
    kinds = [lambda pixels: pixels, Image.fromarray, np.ndarray.tobytes, lambda pixels: (pixels, (1.0, 2.0, 3.0, 4.0))]
    for kind in kinds:
        keys = [
            next(iter(trials_of_pairs(([kind(one)], [kind(other)]), [1], "here").keys()))
            for one, other in ((white, marked), (white.copy(), marked.copy()), (white, white))
        ]
        assert keys[0] == keys[1] != keys[2]
    assert next(iter(trials_of_pairs(([white], [white]), [1], "here").keys())) != next(
        iter(trials_of_pairs(([white.reshape(64, -1)], [white]), [1], "here").keys())
    )
