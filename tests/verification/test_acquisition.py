from __future__ import annotations

import numpy as np
import pytest

from twinnet import TwinnetError
from twinnet.errors import ItemError
from twinnet.verification.acquisition import acquire
from twinnet.verification.baselines import trivial_scores
from twinnet.verification.calibration import calibrate
from twinnet.verification.trials import trials_of_identities, trials_of_pairs


@pytest.fixture
def picky(text_network, monkeypatch):
    """A text network that finds no ground in texts with "blank", and cannot read those with "broken"."""
    preprocess = text_network.tower.preprocess
    prepare = preprocess.prepare

    def choosy(items):
        for position, item in enumerate(items):
            for word, reason in (("blank", "blank page"), ("broken", "unreadable")):
                if word in item:
                    raise ItemError(position, f"{item!r} cannot be used", reason)
        return prepare(items)

    monkeypatch.setattr(preprocess, "prepare", choosy)
    return text_network


@pytest.mark.parametrize("seed", range(5))
def test_trials_with_an_item_without_ground_are_left_out(picky, sentences, seed):
    rng = np.random.default_rng(seed)
    items = [f"blank {i}" if rng.random() < 0.3 else f"{sentences[i]} {i}" for i in range(30)]
    columns = [[items[i] for i in rng.integers(30, size=80)] for _ in range(3)]
    labels = rng.integers(2, size=80).tolist()
    trials = trials_of_pairs(columns, labels, "here")
    acquired = acquire(picky, trials)
    rows = [row for row in range(80) if not any("blank" in column[row] for column in columns)]
    names = [[acquired.items[i] for i in acquired.probes], *([acquired.items[i] for i in column]
             for column in acquired.references.T)]  # fmt: skip
    assert names == [[column[row] for row in rows] for column in columns]
    assert acquired.same.tolist() == [labels[row] for row in rows]
    each = [picky.score([columns[0][row] for row in rows], [column[row] for row in rows]) for column in columns[1:]]
    np.testing.assert_allclose(acquired.scores(picky), np.mean(each, axis=0), atol=1e-6)
    used = {item for column in columns for item in column}
    failures = acquired.failure_to_acquire()
    assert failures["items"] == sum("blank" in item for item in used)
    assert failures["of"] == len(used)
    assert failures["trials_left_out"] == 80 - len(rows)
    assert failures["reasons"] == {"blank page": failures["items"]}
    assert {failure["item"] for failure in failures["left_out"]} == {item for item in used if "blank" in item}
    owner = dict(zip(trials.items, trials.owners.tolist(), strict=True))
    assert [owner[item] for item in acquired.items] == acquired.owners.tolist()


def test_nothing_is_embedded_twice(picky, sentences):
    acquired = acquire(picky, trials_of_pairs((sentences[:8], sentences[8:16]), [0, 1] * 4, "here"))
    assert acquire(picky, acquired) is acquired
    assert acquired.failure_to_acquire()["items"] == 0


def test_both_sides_of_a_half_twin_are_acquired(picky, make_text_network, sentences):
    trials = trials_of_pairs((sentences[:8], ["blank", *sentences[9:16]]), [0, 1] * 4, "here")
    picky.other = make_text_network(seed=4).tower
    acquired = acquire(picky, trials)
    np.testing.assert_allclose(acquired.scores(picky), picky.score(sentences[1:8], sentences[9:16]), atol=1e-6)


def test_what_cannot_be_read_is_an_error_that_names_it(picky, sentences):
    items = [*sentences[:20], *(f"broken {i}" for i in range(5)), "blank"]
    trials = trials_of_identities(items, np.arange(26) % 3, "here")
    with pytest.raises(TwinnetError, match="5 of 26 items cannot be taken: 'broken 0'.*'broken 2'.*and 2 more"):
        acquire(picky, trials)
    with pytest.raises(TwinnetError, match="here: no comparison is left"):
        acquire(picky, trials_of_pairs((["blank"], ["a cat"]), [1], "here"))


def test_calibration_and_baselines_pass_over_items_without_ground(picky, sentences):
    items = [f"{sentences[i // 6]} {'blank' if i % 9 == 0 else ''} {'abcdef'[i % 6]}" for i in range(60)]
    trials = trials_of_identities(items, np.arange(60) // 6, "here")
    acquired = acquire(picky, trials)
    point = calibrate(picky, trials, 0.5)
    assert point.fmr.trials == int((~acquired.same).sum()) < int((~trials.same).sum())
    assert point == calibrate(picky, acquired, 0.5)
    assert all(len(scores) == len(acquired.same) for scores in trivial_scores(acquired).values())
