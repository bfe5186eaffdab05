"""Boxes as lines: what each format counts from, and what a frame that was left out gets."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest

from twinnet.tracking.tables import BoxTable
from twinnet.tracking.track import Hit


def hit(frame, left, target="0"):
    return Hit(frame, None, np.array([left, 2.0, 30.0, 40.0]), 0.5, lost=False, target=target)


def written(form, names, hits, frames):
    file = StringIO()
    table = BoxTable(file, form, names)
    for each in hits:
        table.add(each)
    table.finish(frames)
    return file.getvalue().splitlines()


def test_lines_without_a_number_are_as_many_as_frames():
    lines = written("otb", ["0"], [hit(0, 0.0), hit(3, 3.0)], frames=6)
    assert [line.split(",")[0] for line in lines] == ["1.000", "4.000", "4.000", "4.000", "4.000", "4.000"]


def test_a_table_that_ends_with_its_last_hit_gets_no_more_lines():
    assert len(written("otb", ["0"], [hit(0, 0.0), hit(1, 0.0)], frames=0)) == 2


@pytest.mark.parametrize("form", ["csv", "mot"])
def test_lines_with_a_number_are_as_many_as_hits(form):
    lines = written(form, ["a", "b"], [hit(4, 0.0, "a"), hit(4, 7.0, "b")], frames=9)
    assert len(lines) == 2 + (form == "csv")
    assert lines[-1].startswith("4,7.000" if form == "csv" else "5,2,8.000")
    assert lines[-1].endswith(",b" if form == "csv" else ",-1")


@pytest.mark.parametrize("form", ["csv", "otb", "mot"])
def test_nothing_is_written_before_the_first_hit(form):
    assert written(form, ["0"], [], frames=3) == []
