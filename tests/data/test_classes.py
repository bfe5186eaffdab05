"""Rows of classes, against a comparison of all labels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twinnet.data.classes import rows_by_class

LABELS = st.lists(st.integers(-3, 3)) | st.lists(st.text(max_size=2), min_size=1)


@given(labels=LABELS)
def test_each_class_has_its_rows_in_order(labels):
    wanted = [[row for row, label in enumerate(labels) if label == of] for of in sorted(set(labels))]
    assert [rows.tolist() for rows in rows_by_class(labels)] == wanted
    assert all(rows.dtype == np.int64 for rows in rows_by_class(labels))
