from __future__ import annotations

import io
import json
import sys

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinnet.data import read_column, read_table
from twinnet.data.formats import parse_csv, parse_jsonl, parse_tsv, parse_txt
from twinnet.errors import TwinnetError

AWKWARD = [
    "plain",
    'a "bare quote',
    "line\u2028separator",
    "next\u0085line",
    "form\x0cfeed",
    "",
    "  spaced  ",
    "\ufeffmark",
]
without_line_ends = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")).filter(
    lambda text: not text.startswith("\ufeff")
)


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@given(st.lists(without_line_ends, min_size=1), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_survive_any_text(lines, end, byte_order_mark):
    data = ("\ufeff" if byte_order_mark else "") + "".join(line + end for line in lines)
    assert parse_txt(data.encode(), "a.txt").values == {"text": lines}


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_jsonl_survives_any_text(rows):
    rows = [(a.encode("utf-8", "ignore").decode(), b.encode("utf-8", "ignore").decode()) for a, b in rows]
    for ascii_only in (True, False):
        data = "".join(json.dumps({"a": a, "b": b}, ensure_ascii=ascii_only) + "\n" for a, b in rows)
        assert list(zip(*parse_jsonl(data.encode(), "a").values.values(), strict=True)) == rows


def test_the_last_line_needs_no_end():
    assert parse_txt(b"one\ntwo", "a").values["text"] == ["one", "two"]
    assert parse_txt(b"one\n\n", "a").values["text"] == ["one", ""]


def test_tsv_keeps_bare_quotes_and_odd_separators(tmp_path):
    rows = "".join(f"{i}\t{text}\n" for i, text in enumerate(AWKWARD))
    table = read_table(write(tmp_path, "a.tsv", "id\ttext\r\n" + rows))
    assert table.columns == {"id": [str(i) for i in range(len(AWKWARD))], "text": AWKWARD}


def test_csv_quoting_and_line_numbers(tmp_path):
    path = write(tmp_path, "a.csv", 'score,text\n1,"two\nlines, one ""cell"""\n\nx,last\n')
    table = read_table(path)
    assert table.columns["text"] == ['two\nlines, one "cell"', "last"]
    assert table.place(1).endswith("a.csv, line 5")
    with pytest.raises(TwinnetError, match=r"a\.csv, line 5: column 'score' is 'x': expected a number"):
        table.numbers("score")


def test_a_csv_cell_may_be_huge():
    cell = "x" * 200_000
    assert parse_csv(f"text\n{cell}\n".encode(), "a").values["text"] == [cell]


def test_parquet_and_jsonl_agree(tmp_path):
    columns = {"text": AWKWARD, "score": [float(i) for i in range(len(AWKWARD))]}
    parquet = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), parquet)
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    jsonl = write(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n\n" for row in rows))
    assert read_table(parquet).columns == read_table(jsonl).columns == columns


@pytest.mark.parametrize(
    ("name", "data", "column"),
    [
        ("a.txt", "x\ny\n", None),
        ("a", "x\ny\n", None),
        ("a.tsv", "text\nx\ny\n", None),
        ("a.TSV", "id\ttext\n1\tx\n2\ty\n", None),
        ("a.csv", "id,words\n1,x\n2,y\n", "words"),
        ("a.jsonl", '{"words": "x"}\n{"words": "y"}\n', None),
    ],
)
def test_read_column(tmp_path, name, data, column):
    assert read_column(write(tmp_path, name, data), column) == ["x", "y"]


def test_an_empty_cell_of_the_only_column_is_an_item():
    assert parse_tsv(b"text\nx\n\ny\n", "a").values["text"] == ["x", "", "y"]
    assert parse_tsv(b"id\ttext\n1\tx\n\n", "a").values["text"] == ["x"]


def test_standard_input(monkeypatch):
    def feed(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    feed(b"one\ntwo\n")
    assert read_column("-") == ["one", "two"]
    feed(b"text\nx\n")
    assert read_column("-", file_format="tsv") == ["x"]
    feed(b"")
    with pytest.raises(TwinnetError, match="standard input is empty"):
        read_column("-")


@pytest.mark.parametrize(
    ("name", "data", "column", "message"),
    [
        ("a.txt", b"", None, r"a\.txt is empty"),
        ("a.txt", b"\r\n \n", None, r"a\.txt is empty"),
        ("a.tsv", b"", None, r"a\.tsv is empty"),
        ("a.tsv", b"text\n", None, "has a header and no rows"),
        ("a.txt", b"ok\nfine\ncaf\xe9\n", None, r"a\.txt, line 3 is not UTF-8 \(byte 0xe9\)"),
        ("a.txt", "text".encode("utf-16"), None, "line 1 is not UTF-8"),
        ("a.tsv", b"a\tb\n1\t2\n1\n", "a", r"a\.tsv, line 3 has 1 columns, the header has 2"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "a", r"a\.csv, line 3 has 3 columns, the header has 2"),
        ("a.csv", b'a,b\n1,2\n1,"open\n', "a", r"a\.csv, line 3: .*quotes"),
        ("a.csv", b"a,a\n1,2\n", "a", "two columns are named 'a'"),
        ("a.tsv", b"a\tb\n1\t2\n", None, "'a', 'b': choose one with --column"),
        ("a.tsv", b"a\tb\n1\t2\n", "c", "no column 'c': its columns are 'a', 'b'"),
        ("a.jsonl", b'{"a": "x"}\n{"a": null}\n', "a", r"a\.jsonl, line 2: column 'a' is empty \(null\)"),
        ("a.jsonl", b'{"a": "x"}\n\n{"b": "y"}\n', "a", r"a\.jsonl, line 3: column 'a' is empty \(null\)"),
        ("a.jsonl", b'{"a": 3.5}\n', "a", "line 1: column 'a' is float 3.5: expected text"),
        ("a.jsonl", b'{"a": \n', "a", "line 1 is not valid JSON"),
        ("a.jsonl", b'{"a": "\\ud800"}\n', "a", "line 1 is not valid JSON"),
        ("a.jsonl", b'{"a": "x", "n": ' + b"1" * 5000 + b"}\n", "a", "line 1 is not valid JSON"),
        ("a.jsonl", b'["a"]\n', "a", "line 1 is list: expected one JSON object"),
        ("a.parquet", b"PAR1", "a", r"a\.parquet is no Parquet file"),
        ("a.pdf", b"x", None, r"unknown file format \(.*a\.pdf\) 'pdf': known: csv, jsonl"),
    ],
)
def test_bad_files(tmp_path, name, data, column, message):
    with pytest.raises(TwinnetError, match=message):
        read_column(write(tmp_path, name, data), column)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(TwinnetError, match=r"gone\.txt: no such file"):
        read_column(tmp_path / "gone.txt")
    with pytest.raises(TwinnetError, match="is a folder"):
        read_column(tmp_path)


def test_null_in_parquet_names_the_row(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x", None]}), path)
    with pytest.raises(TwinnetError, match=r"a\.parquet, row 2: column 'text' is empty \(null\)"):
        read_column(path)


@pytest.mark.parametrize("value", ["", "five", "nan", "inf", "0x5"])
def test_numbers_must_be_numbers(tmp_path, value):
    table = read_table(write(tmp_path, "a.tsv", f"score\tx\n1.5\t\n{value}\t\n"))
    with pytest.raises(TwinnetError, match=r"a\.tsv, line 3: column 'score' is .*: expected a number"):
        table.numbers("score")


def test_numbers_have_a_range(tmp_path):
    table = read_table(write(tmp_path, "a.tsv", "score\n1.5\n7\n"))
    assert table.numbers("score") == [1.5, 7.0]
    with pytest.raises(TwinnetError, match="line 3: column 'score' is 7: expected 0 to 5"):
        table.numbers("score", lowest=0, highest=5)


def test_a_column_of_parquet_is_read_only_when_it_is_asked_for(tmp_path):
    path = tmp_path / "far.parquet"
    far = pyarrow.array([10**18, -(10**18)], pyarrow.timestamp("us"))
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b"], "when": far}), path)
    assert read_column(path, "text") == ["a", "b"]
    with pytest.raises(TwinnetError, match=r"far\.parquet: the column 'when' cannot be read"):
        read_column(path, "when")
