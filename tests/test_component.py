from __future__ import annotations

import copy

import pytest

from twinnet.component import Component
from twinnet.distances import Mahalanobis
from twinnet.heads import Dense
from twinnet.registry import distances, heads


class Part(Component):
    def __init__(self, a: int, b: str = "x", **further: int) -> None:
        self.sum = a + sum(further.values())


def test_config_holds_exactly_what_was_given():
    assert Part(1).config == {"a": 1}
    assert Part(1, b="y").config == {"a": 1, "b": "y"}


def test_config_builds_an_equal_component():
    original = Dense(4, 3, activation="tanh")
    again = heads.create({"name": heads.name_of(original), **original.config})
    again.load_state_dict(original.state_dict())
    assert again.config == original.config
    assert distances.create("mahalanobis", **Mahalanobis(5, rank=2).config).factor.shape == (2, 5)


def test_config_survives_a_copy_and_cannot_be_changed_through_it():
    part = copy.deepcopy(Part(1, b="y"))
    part.config["a"] = 9
    assert part.config == {"a": 1, "b": "y"}


def test_keyword_arguments_are_flattened():
    assert Part(1, c=2).config == {"a": 1, "c": 2}


def test_wrong_arguments_fail_as_python_says():
    with pytest.raises(TypeError):
        Part()
