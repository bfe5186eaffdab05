from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from twinnet.data import Examples, class_pairs, labelled, labelled_pairs, positive_pairs, scored_pairs, triplets
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision


@pytest.fixture
def tsv(tmp_path):
    def write(text):
        path = tmp_path / "data.tsv"
        path.write_text(text.replace(",", "\t"))
        return path

    return write


def test_scored_pairs_run_from_zero_to_one(tsv):
    path = tsv("score,s1,s2\n5,a,b\n0,c,d\n2.5,e,f\n")
    examples = scored_pairs(path)
    assert examples.columns == (["a", "c", "e"], ["b", "d", "f"])
    assert examples.target == [1.0, 0.0, 0.5]
    assert examples.supervision is Supervision.SCORED_PAIRS
    with pytest.raises(TwinnetError, match=r"data\.tsv, line 2: column 'score' is 5: expected 0 to 1"):
        scored_pairs(path, highest=1.0)


def test_class_pairs_keep_their_sorted_names(tsv):
    examples = class_pairs(tsv("label,premise,hypothesis\nneutral,a,b\nentailment,c,d\nneutral,e,f\n"))
    assert examples.classes == ("entailment", "neutral")
    assert examples.target == [1, 0, 1]
    assert len(examples) == 3


def test_labelled_pairs(tsv):
    assert labelled_pairs(tsv("label,s1,s2\n1,a,b\n0,c,d\n")).target == [1, 0]
    with pytest.raises(TwinnetError, match=r"line 3: column 'label' is 0\.5: expected 0 or 1"):
        labelled_pairs(tsv("label,s1,s2\n1,a,b\n0.5,c,d\n"))


@pytest.mark.parametrize("header", ["anchor,positive", "s1,s2", "sentence1,sentence2"])
def test_positive_pairs(tsv, header):
    examples = positive_pairs(tsv(f"{header}\na,b\n"))
    assert examples.columns == (["a"], ["b"])
    assert examples.target is None


def test_triplets_take_any_number_of_negatives(tsv):
    assert triplets(tsv("anchor,positive,negative\na,b,c\n")).columns == (["a"], ["b"], ["c"])
    many = triplets(tsv("anchor,negative10,positive,negative2,id,negative1\na,n10,b,n2,7,n1\n"))
    assert many.columns == (["a"], ["b"], ["n1"], ["n2"], ["n10"])
    with pytest.raises(TwinnetError, match="no column 'negative'"):
        triplets(tsv("anchor,positive\na,b\n"))


def test_missing_columns_offer_those_that_are_there(tsv):
    with pytest.raises(TwinnetError, match="no column 'score' or 'similarity': its columns are 'gold', 's1', 's2'"):
        scored_pairs(tsv("gold,s1,s2\n5,a,b\n"))


@pytest.mark.parametrize("missing", [None, "", float("nan"), np.float32("nan")])
def test_a_missing_label_is_no_class(missing, tmp_path):
    with pytest.raises(TwinnetError, match="row 1 has no label"):
        labelled([10, 20], ["a", missing])
    if not isinstance(missing, np.generic):
        rows = [{"label": label, "s1": "a", "s2": "b"} for label in ("x", missing)]
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(TwinnetError, match="line 2: column 'label' is empty"):
            class_pairs(tmp_path / "rows.jsonl")


def test_labels_of_any_kind():
    examples = labelled([10, 20, 30], [7, 3, 7])
    assert examples.columns == ([10, 20, 30],)
    assert (examples.target, examples.classes) == ([1, 0, 1], ("3", "7"))


def test_one_class_is_too_few(tsv):
    with pytest.raises(TwinnetError, match="all rows have the label 'x'"):
        class_pairs(tsv("label,s1,s2\nx,a,b\n"))
    with pytest.raises(TwinnetError, match="line 3: column 'label' is empty"):
        class_pairs(tsv("label,s1,s2\nx,a,b\n,a,b\n"))


def test_rows_in_any_order():
    examples = Examples((["a", "b", "c"], ["d", "e", "f"]), [0.1, 0.2, 0.3], Supervision.SCORED_PAIRS)
    part = examples.rows([2, 0])
    assert (part.columns, part.target) == ((["c", "a"], ["f", "d"]), [0.3, 0.1])


@pytest.mark.parametrize(
    ("columns", "target", "supervision", "message"),
    [
        ((["a"], ["b", "c"]), None, Supervision.PAIRS, r"different lengths: \[1, 2\]"),
        ((["a"], ["b"]), [1, 0], Supervision.LABELLED_PAIRS, r"different lengths: \[1, 1, 2\]"),
        (([], []), None, Supervision.PAIRS, "no examples"),
        ((["a"],), None, Supervision.PAIRS, "expected 2 columns of items, got 1"),
        ((["a"], ["b"]), None, Supervision.TRIPLETS, "expected 3 or more columns"),
        ((["a"], ["b"]), None, Supervision.SCORED_PAIRS, "a target is missing"),
        ((["a"], ["b"]), [1], Supervision.PAIRS, "takes no target"),
    ],
)
def test_what_does_not_fit_is_refused(columns, target, supervision, message):
    with pytest.raises(TwinnetError, match=message):
        Examples(columns, target, supervision)


def test_columns_of_a_data_frame_are_taken_by_position():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": list("abcdef"), "label": list("xyxyxy")}).sample(frac=1, random_state=1)[:4]
    examples = labelled(frame["text"], frame["label"])
    for row, (text, label) in enumerate(zip(frame["text"], frame["label"], strict=True)):
        assert examples.columns[0][row] == text
        assert examples.classes[examples.target[row]] == label
    assert examples.rows([2]).columns == ([frame["text"].iloc[2]],)


@pytest.mark.parametrize("target", [[True, False], np.array([1.0, 0.0]), torch.tensor([1, 0]), (1, 0)])
def test_labels_may_be_of_any_kind_of_number(target):
    assert len(Examples((["a", "b"], ["c", "d"]), target, Supervision.LABELLED_PAIRS)) == 2


def test_numbers_of_classes_may_be_any():
    assert len(Examples((["a", "b"],), [-7, 10**12], Supervision.LABELS)) == 2


@pytest.mark.parametrize(
    ("target", "supervision", "message"),
    [
        ([1, 0.9], Supervision.LABELLED_PAIRS, "row 1: 0.9 is no class"),
        ([2, 0], Supervision.LABELLED_PAIRS, "row 0: 2 is no class"),
        ([0, 2], Supervision.CLASS_PAIRS, "row 1: 2 is no class"),
        (["x", "y"], Supervision.CLASS_PAIRS, "the target holds str, not numbers"),
    ],
)
def test_a_target_that_is_no_class_is_refused(target, supervision, message):
    classes = ("no", "yes") if supervision is Supervision.CLASS_PAIRS else None
    with pytest.raises(TwinnetError, match=message):
        Examples((["a", "b"], ["c", "d"]), target, supervision, classes)
