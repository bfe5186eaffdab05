from __future__ import annotations

import threading

import pytest

from twinnet.ahead import one_ahead


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_results_come_in_order(count):
    assert list(one_ahead(lambda number: number**2, range(count), "test")) == [number**2 for number in range(count)]


def test_the_next_one_is_computed_while_one_is_used():
    started = [threading.Event() for _ in range(3)]
    results = one_ahead(lambda number: started[number].set(), range(3), "test")
    next(results)
    assert started[1].wait(10)
    assert not started[2].is_set()
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test")]


def test_an_error_comes_where_its_result_would():
    results = one_ahead(lambda number: 1 / number, [2, 1, 0], "test")
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)
