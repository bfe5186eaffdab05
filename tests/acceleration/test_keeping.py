from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from twinnet.acceleration.keeping import all_kept, kept


def test_it_is_made_once_for_each_key():
    layer, made = nn.Linear(3, 2), []
    for key in ("a", "b", "a"):
        kept(layer, key, lambda key=key: made.append(key))
    assert made == ["a", "b"]
    assert list(all_kept(layer)) == ["a", "b"]


def in_place(layer):
    with torch.no_grad():
        layer.weight.mul_(2)


def through_data(layer):
    layer.weight.data.mul_(2)


def another_tensor(layer):
    layer.weight = nn.Parameter(layer.weight.detach() * 2)


def a_buffer(layer):
    layer.register_buffer("ranges", torch.zeros(1, 4).expand(3, 4))


@pytest.mark.parametrize("change", [in_place, through_data, another_tensor, a_buffer])
def test_it_is_forgotten_when_the_weights_change(change):
    layer = nn.Linear(300, 200)
    kept(layer, "key", object)
    change(layer)
    assert not all_kept(layer)


def test_it_is_forgotten_with_its_module():
    layer, made = nn.Linear(3, 2), [nn.Linear(3, 2)]
    alive = weakref.ref(made[0])
    kept(layer, "key", made.pop)
    assert alive() is not None
    del layer
    gc.collect()
    assert alive() is None
