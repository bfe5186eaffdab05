"""Turns, ratios and counted operations."""

from __future__ import annotations

import pytest
import torch

from twinnet.bench.contest import Contest, Run, hold
from twinnet.bench.machine import describe
from twinnet.bench.operations import operations


def contest(**seconds):
    runs = {name: [Run(each, None) for each in values] for name, values in seconds.items()}
    return Contest("work", 12, "item", ("own",), ("peer",), runs, ceiling=9.0, operations=6e9)


def test_contestants_take_turns_and_the_order_reverses():
    order = []
    held = hold("work", {"a": lambda: order.append("a")}, {"b": lambda: order.append("b")}, rounds=3)
    assert "".join(order) == "abbaab"
    assert [len(runs) for runs in held.runs.values()] == [3, 3]
    assert held.ceiling > 0


def test_ratios_are_taken_round_by_round():
    held = contest(own=[1.0, 10.0, 2.0], peer=[3.0, 20.0, 8.0])
    assert held.ratios() == {("own", "peer"): (3.0, 2.0, 4.0)}
    assert held.rate("own") == 6.0
    assert held.gflops("own") == 3.0
    assert held.as_dict()["contestants"]["peer"]["rate"] == 1.5


def test_operations_are_those_of_the_products():
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    assert operations(lambda: a @ b) == 2 * 3 * 5 * 7
    assert operations(lambda: torch.nn.functional.conv2d(torch.ones(1, 2, 6, 6), torch.ones(4, 2, 3, 3))) == (
        2 * 4 * 4 * 4 * 2 * 3 * 3
    )


def test_the_machine_is_described():
    described = describe()
    assert described["threads"] == torch.get_num_threads()
    assert described["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_a_contest_without_operations_has_no_rate_of_them():
    held = hold("work", {"a": lambda: 1}, {}, rounds=1)
    assert held.gflops("a") is None
    assert held.ratios() == {}
    assert held.as_dict()["contestants"]["a"]["seconds"] == pytest.approx([held.seconds("a")])
