from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from twinnet.data.sequences import read_sequences
from twinnet.errors import TwinnetError

BOXES = [[3, 4, 10, 12], [4.5, 4, 10, 12], [6, 5, 11, 12]]


def pictures(folder, count=3, ending="jpg"):
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.new("RGB", (32, 24)).save(folder / f"{number:04d}.{ending}")


def lines(boxes, separator=","):
    return "\n".join(separator.join(str(value) for value in box) for box in boxes) + "\n"


@pytest.mark.parametrize("separator", [",", "\t", " "])
def test_otb_counts_from_one(tmp_path, separator):
    pictures(tmp_path / "Car" / "img", 5)
    (tmp_path / "Car" / "groundtruth_rect.txt").write_text(lines(BOXES, separator))
    (sequence,) = read_sequences(tmp_path)
    assert sequence.name == "Car"
    assert [frame.name for frame in sequence.frames] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert sequence.boxes.tolist() == [[2, 3, 10, 12], [3.5, 3, 10, 12], [5, 4, 11, 12]]
    assert read_sequences(tmp_path / "Car")[0].boxes.tolist() == sequence.boxes.tolist()


def test_the_second_picture_comes_before_the_tenth(tmp_path):
    (tmp_path / "Car" / "img").mkdir(parents=True)
    for number in range(1, 12):
        Image.new("RGB", (32, 24)).save(tmp_path / "Car" / "img" / f"{number}.png")
    (tmp_path / "Car" / "groundtruth_rect.txt").write_text("\ufeff" + lines(BOXES[:1] * 11), encoding="utf-8")
    (sequence,) = read_sequences(tmp_path)
    assert [frame.stem for frame in sequence.frames] == [str(number) for number in range(1, 12)]
    (tmp_path / "Car" / "groundtruth_rect.txt").write_bytes(b"1,2,3,4 \xe9\n")
    with pytest.raises(TwinnetError, match="groundtruth_rect.txt: not a text file in UTF-8"):
        read_sequences(tmp_path)


def test_several_targets_in_one_video(tmp_path):
    pictures(tmp_path / "Jogging" / "img")
    for number in (1, 2):
        (tmp_path / "Jogging" / f"groundtruth_rect.{number}.txt").write_text(lines(BOXES))
    assert [sequence.name for sequence in read_sequences(tmp_path)] == ["Jogging.1", "Jogging.2"]


def test_sequences_of_one_name_are_named_with_their_folders(tmp_path):
    for place in ("first/Car", "second/deep/Car", "second/Bus", "Car"):
        pictures(tmp_path / place / "img")
        (tmp_path / place / "groundtruth_rect.txt").write_text(lines(BOXES))
    names = [sequence.name for sequence in read_sequences(tmp_path)]
    assert sorted(names) == ["Bus", "Car", "first/Car", "second/deep/Car"]


def test_got10k_and_lasot_count_from_one(tmp_path):
    pictures(tmp_path / "GOT-10k_Val_000001")
    (tmp_path / "GOT-10k_Val_000001" / "groundtruth.txt").write_text(lines(BOXES))
    (tmp_path / "GOT-10k_Val_000001" / "absence.label").write_text("0\n1\n0\n")
    pictures(tmp_path / "car" / "car-1" / "img")
    (tmp_path / "car" / "car-1" / "groundtruth.txt").write_text(lines(BOXES))
    (tmp_path / "car" / "car-1" / "out_of_view.txt").write_text("0,0,1\n")
    got, lasot = read_sequences(tmp_path)
    assert got.boxes[0].tolist() == [2, 3, 10, 12]
    assert np.isnan(got.boxes).any(1).tolist() == [False, True, False]
    assert lasot.name == "car-1"
    assert lasot.boxes[0].tolist() == [2, 3, 10, 12]
    assert np.isnan(lasot.boxes).any(1).tolist() == [False, False, True]


def test_a_plain_folder(tmp_path):
    pictures(tmp_path / "mine", ending="png")
    rows = "".join(f"000{number}.png,{lines([box])}" for number, box in enumerate(BOXES, start=1))
    (tmp_path / "mine" / "boxes.csv").write_text("file,x,y,w,h\n" + rows)
    (sequence,) = read_sequences(tmp_path)
    assert sequence.boxes.tolist() == BOXES
    (tmp_path / "mine" / "boxes.csv").write_text("file,x,y,w,h\n" + rows, encoding="utf-8-sig")
    (sequence,) = read_sequences(tmp_path)
    assert sequence.boxes.tolist() == BOXES
    (tmp_path / "mine" / "boxes.csv").write_text("file,x,y,w,h\n../../x.png,1,2,3,4\n")
    with pytest.raises(TwinnetError, match="outside"):
        read_sequences(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0002.png,1,2,inf,4", "box 2 is not finite"),
        ("a\0b.png,1,2,3,4", "needs the columns"),
        (f'0002.png,"{"1" * 200_000}",2,3,4', "needs the columns"),
    ],
)
def test_rows_of_a_plain_folder_that_are_no_boxes(row, message, tmp_path):
    pictures(tmp_path / "mine", ending="png")
    (tmp_path / "mine" / "boxes.csv").write_text(f"file,x,y,w,h\n0001.png,1,2,3,4\n{row}\n")
    with pytest.raises(TwinnetError, match=f"boxes.csv: .*{message}|boxes.csv: {message}"):
        read_sequences(tmp_path)


def test_a_box_without_an_area_is_a_target_that_is_not_visible(tmp_path):
    pictures(tmp_path / "mine", ending="png")
    rows = "0001.png,1,2,3,4\n0002.png,0,0,0,0\n0003.png,-1,2,3,4\n"
    (tmp_path / "mine" / "boxes.csv").write_text(f"file,x,y,w,h\n{rows}")
    (sequence,) = read_sequences(tmp_path)
    assert np.isnan(sequence.boxes).all(1).tolist() == [False, True, False]


VID = """<annotation><object><trackid>{}</trackid><name>n02</name><bndbox><xmax>13</xmax><xmin>{}</xmin>
<ymax>16</ymax><ymin>4</ymin></bndbox></object></annotation>"""


@pytest.mark.parametrize(("left", "message"), [("5.0.1", "could not convert"), ("", "xmin"), ("\xe9", "UTF-8")])
def test_damaged_annotations_of_vid_are_named(left, message, tmp_path):
    folder = tmp_path / "Annotations" / "VID" / "v1"
    folder.mkdir(parents=True)
    (folder / "0001.xml").write_text(VID.format(0, left), encoding="latin-1")
    with pytest.raises(TwinnetError, match=f"0001.xml: .*{message}"):
        read_sequences(tmp_path)


def test_vid(tmp_path):
    pictures(tmp_path / "Data" / "VID" / "val" / "v1", 2, "JPEG")
    folder = tmp_path / "Annotations" / "VID" / "val" / "v1"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"000{number}.xml").write_text(VID.format(number - 1, 3 - 4 * (number - 1)))
    first, second = read_sequences(tmp_path)
    assert (first.name, second.name) == ("v1.0", "v1.1")
    assert first.boxes.tolist() == [[3, 4, 10, 12]]
    assert second.boxes.tolist() == [[-1, 4, 14, 12]]
    assert first.frames[0].is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [("1,2,3\n", "four numbers"), ("1,2,3,x\n", "four numbers"), (lines(BOXES * 2), "6 boxes for 3"), ("", "four")],
)
def test_annotations_have_to_fit(tmp_path, text, message):
    pictures(tmp_path / "Car" / "img")
    (tmp_path / "Car" / "groundtruth_rect.txt").write_text(text)
    with pytest.raises(TwinnetError, match=message):
        read_sequences(tmp_path)


def test_a_folder_without_sequences(tmp_path):
    with pytest.raises(TwinnetError, match="known layouts"):
        read_sequences(tmp_path)
    with pytest.raises(TwinnetError, match="no such folder"):
        read_sequences(tmp_path / "no")


def test_the_development_sequences(data):
    found = {sequence.name: sequence for sequence in read_sequences(data / "tracking" / "dev")}
    assert len(found) == 7
    assert found["Crossing"].boxes[0].tolist() == [204, 150, 17, 50]


def test_a_folder_in_the_place_of_boxes_is_refused(tmp_path):
    (tmp_path / "groundtruth_rect.txt").mkdir()
    with pytest.raises(TwinnetError, match=r"groundtruth_rect\.txt"):
        read_sequences(tmp_path)
    (tmp_path / "groundtruth_rect.txt").rmdir()
    (tmp_path / "boxes.csv").write_text("file,x,y,w,h\n")
    with pytest.raises(TwinnetError, match=r"boxes\.csv"):
        read_sequences(tmp_path)
