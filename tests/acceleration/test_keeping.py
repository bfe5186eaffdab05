from __future__ import annotations

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

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


def a_hook(layer):
    layer.register_forward_hook(lambda *given: None)


def another_hook(layer):
    layer.own_hook.remove()
    layer.register_forward_hook(lambda *given: None)


def a_tuple(layer):
    layer.geometry = (2, 2)


@pytest.mark.parametrize("change", [in_place, through_data, another_tensor, a_buffer, a_hook, another_hook, a_tuple])
def test_it_is_forgotten_when_the_weights_or_the_parts_change(change):
    layer = nn.Linear(300, 200)
    layer.geometry = (1, 1)
    layer.own_hook = layer.register_forward_hook(lambda *given: None)
    kept(layer, "key", object)
    assert all_kept(layer)
    change(layer)
    assert not all_kept(layer)


def test_it_is_made_once_by_several_threads():
    layer, made = nn.Linear(3, 2), []

    def make():
        time.sleep(0.05)
        made.append(1)
        return object()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: kept(layer, "key", make), range(8)))
    assert len(made) == len(found) == 1


def test_it_is_forgotten_with_its_module():
    layer, made = nn.Linear(3, 2), [nn.Linear(3, 2)]
    alive = weakref.ref(made[0])
    kept(layer, "key", made.pop)
    assert alive() is not None
    del layer
    gc.collect()
    assert alive() is None
