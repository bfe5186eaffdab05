from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.errors import ItemError
from twinnet.operating_point import system_of
from twinnet.preprocess import Preprocess


class Picky(Preprocess):
    """The text preprocess, but for sentences without a word."""

    def __init__(self, inner):
        self.inner = inner
        self.budget = inner.budget

    def prepare(self, items):
        for position, item in enumerate(items):
            if item in ("", " "):
                raise ItemError(position, "the page is empty", reason="blank page")
        return self.inner.prepare(items)

    def collate(self, prepared):
        return self.inner.collate(prepared)


@pytest.fixture
def network(text_network, make_operating_point):
    text_network.tower.preprocess = Picky(text_network.tower.preprocess)
    for references, rule in ((1, "mean"), (2, "mean"), (3, "max"), (5, "centroid")):
        text_network.operating_point = make_operating_point(text_network, references=references, rule=rule)
    return text_network


def test_a_verdict_compares_the_score_with_the_threshold(network):
    same = network.verify("a cat sits", "a cat sits")
    assert (same.match, same.reason, same.threshold, same.fmr) == (True, None, 0.97, 0.01)
    assert same.probability == pytest.approx(network.operating_point.probability(same.score))
    other = network.verify("a cat sits", "he was in the blue park and she runs")
    assert other.score == pytest.approx(network.score("a cat sits", "he was in the blue park and she runs"))
    assert other.match == (other.score >= 0.97)
    network.operating_point = None
    with pytest.raises(TwinnetError, match="no operating point.*twinnet calibrate"):
        network.verify("a", "b")


def test_stored_embeddings_stand_for_items(network):
    stored = network.encode("a dog runs")
    expected = network.verify("a cat", "a dog runs")
    assert network.verify("a cat", stored) == network.verify(network.encode("a cat"), stored) == expected
    assert network.verify("a cat", torch.from_numpy(stored).requires_grad_()) == expected
    assert network.verify("a cat", stored[::-1].copy()[::-1]) == expected
    with pytest.raises(TwinnetError, match="second item: verify takes one item"):
        network.verify("a cat", np.stack([stored, stored]))
    with pytest.raises(TwinnetError, match="width 5"):
        network.verify("a cat", np.zeros(5, dtype=np.float32))


@pytest.mark.parametrize(("references", "combine"), [(2, np.mean), (3, np.max)])
def test_several_references_are_combined_by_the_rule(network, references, combine):
    known = ["a dog", "the big mat", "she sits"][:references]
    verdict = network.verify("a cat", references=known)
    assert verdict.score == pytest.approx(combine([network.score("a cat", reference) for reference in known]))
    assert verdict == network.verify("a cat", references=[network.encode(known[0]), *known[1:]])


def test_the_centroid_of_references(network):
    known = ["a dog", "the big mat", "she sits", "a cat", "the dog sits"]
    verdict = network.verify("a cat", references=known)
    assert verdict.score == pytest.approx(network.score(network.encode("a cat"), network.encode(known).mean(0)))


def test_one_text_is_no_list_of_references(network):
    with pytest.raises(TwinnetError, match="references='a dog' is one item"):
        network.verify("a cat", references="a dog")


def test_no_other_number_of_references(network):
    with pytest.raises(TwinnetError, match=r"for 4 references, only for 1, 2, 3, 5.*--references 4"):
        network.verify("a cat", references=["a"] * 4)
    for wrong in ({}, {"other": "b", "references": ["b"]}):
        with pytest.raises(TwinnetError, match="either"):
            network.verify("a", **wrong)
    with pytest.raises(TwinnetError, match="second item: verify takes one item"):
        network.verify("a", ["b", "c"])


def test_no_ground_is_no_decision(network):
    verdict = network.verify("a cat", " ")
    assert (verdict.match, verdict.reason, verdict.score, verdict.probability) == (None, "blank page", None, None)
    assert verdict.detail == "second item: the page is empty"
    assert network.verify("a", references=["b", ""]).detail == "reference 2: the page is empty"
    with pytest.raises(ItemError, match="empty") as caught:
        network.encode(["a", ""])
    assert caught.value.reason == "blank page"


def test_bad_input_is_an_error(network):
    with pytest.raises(TwinnetError, match="second item"):
        network.verify("a cat", 3)


def test_half_twins_put_references_on_the_right(network, make_text_network):
    network.other = make_text_network(seed=4).tower
    network.operating_point = replace(network.operating_point, system=system_of(network))
    assert network.verify("a", "b").score == pytest.approx(network.score("a", "b"))
    assert isinstance(network, TwinNetwork)


def test_stored_references_of_another_width_are_named(network):
    rows = np.zeros((2, network.dim), dtype=np.float32)
    with pytest.raises(TwinnetError, match="of the reference 2 have width 3"):
        network.verify(rows[0], references=[rows[1], np.zeros(3, dtype=np.float32)])
