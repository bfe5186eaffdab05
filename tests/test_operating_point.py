from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from twinnet import TwinnetError, TwinNetwork
from twinnet.distances import Euclidean
from twinnet.operating_point import OperatingPoint


@pytest.fixture
def point(text_network, make_operating_point):
    return make_operating_point(text_network, threshold=0.5, slope=8.0, intercept=-4.0)


def test_operating_points_are_saved_with_the_network(text_network, point, tmp_path):
    text_network.operating_point = point
    text_network.operating_point = replace(point, references=5, rule="max", threshold=0.6)
    again = TwinNetwork.load(text_network.save(tmp_path / "net"))
    assert again.operating_point == point
    assert again.operating_points == text_network.operating_points
    again.operating_point = None
    assert again.operating_points == {}


def test_a_network_that_scores_otherwise_is_refused(text_network, make_text_network, point):
    point.check(text_network)
    for change, named in (
        ({"distance": Euclidean()}, "the distance changed"),
        ({"preprocess": {"max_length": 16}}, "the preprocess changed"),
    ):
        with pytest.raises(TwinnetError, match=named):
            point.check(make_text_network(**change))
    text_network.truncate_dim = 8
    with pytest.raises(TwinnetError, match="the width of embeddings changed.*calibrate"):
        point.check(text_network)


def test_a_second_tower_is_a_change(text_network, make_text_network, point):
    text_network.other = make_text_network(preprocess={"max_length": 16}).tower
    with pytest.raises(TwinnetError, match="other preprocess"):
        point.check(text_network)


def test_probability_follows_the_prior(point):
    assert point.probability(0.5) == pytest.approx(0.5)
    assert point.probability(0.7) == pytest.approx(1 / (1 + math.exp(-1.6)))
    assert point.probability(0.5, prior=0.01) == pytest.approx(0.01)
    for prior in (0, 1, 1.5, math.nan):
        with pytest.raises(TwinnetError, match="a prior of"):
            point.probability(0.5, prior=prior)


def test_probability_claims_no_more_than_the_pairs_can_show(point):
    assert point.probability(1e6) == pytest.approx(1 - 1 / 2502)
    assert point.probability(-1e6) == pytest.approx(1 / 102)
    assert point.probability(1e6, prior=1e-4) == pytest.approx(2501e-4 / (2501e-4 + 1 - 1e-4))


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "fmr": 3}'])
def test_damaged_text_is_refused(damage):
    with pytest.raises(TwinnetError, match=r"here\.json: no operating point"):
        OperatingPoint.from_json(damage, "here.json")


def test_a_newer_format_is_refused(point):
    values = json.loads(point.to_json()) | {"format": 99}
    with pytest.raises(TwinnetError, match="upgrade"):
        OperatingPoint.from_json(json.dumps(values), "here.json")
