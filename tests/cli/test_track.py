from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import BOX, moving
from twinnet.cli.main import main
from twinnet.tracking.preprocess import TrackingPreprocess
from twinnet.video import VideoWriter, open_video

SHOWN = ",".join(map(str, BOX))


@pytest.fixture(scope="module")
def tracking_model(tmp_path_factory):
    import torch

    from twinnet import TwinNetwork

    torch.manual_seed(0)
    preprocess = TrackingPreprocess(63, 127, mean=(127,) * 3, std=(64,) * 3, inference={"upsampling": 8})
    network = TwinNetwork({"name": "timm", "model": "resnet10t", "out_index": 1}, [], "cosine", preprocess)
    return network.save(tmp_path_factory.mktemp("model") / "tracker")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.avi"
    with VideoWriter(path, 25) as writer:
        for frame in moving(5)[0]:
            writer.write(frame)
    return path


def test_everything_that_is_written(run, tracking_model, film, tmp_path):
    out, table, plot = tmp_path / "out.webm", tmp_path / "boxes.csv", tmp_path / "plot.png"
    result = run(
        "track",
        film,
        "--box",
        SHOWN,
        "--model",
        tracking_model,
        "--out",
        out,
        "--overlay",
        "--csv",
        table,
        "--plot",
        plot,
    )
    assert result["columns"] == ["frame", "x", "y", "w", "h", "score", "lost"]
    assert len(result["targets"]["0"]) == result["frames"] == 5
    assert len(list(open_video(out))) == 5
    assert cv2.imread(str(plot)).shape[1] > 500
    with table.open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["frame", "x", "y", "w", "h", "score", "lost"]
    assert [row[0] for row in rows[1:]] == ["0", "1", "2", "3", "4"]
    expected = np.array(result["targets"]["0"])
    assert np.array(rows[1:], dtype=float) == pytest.approx(expected, abs=1e-3)


def boxes_in(table):
    return [list(map(float, line.split(","))) for line in table.read_text().splitlines()]


def test_tables_of_the_field_count_from_one(run, refused, tracking_model, film, tmp_path):
    table = tmp_path / "boxes.txt"
    settings = ["--model", tracking_model, "--csv", table, "--format"]
    run("track", film, "--box", SHOWN, *settings, "otb")
    assert boxes_in(table)[0] == [BOX[0] + 1, BOX[1] + 1, *BOX[2:]]
    several = ["--box", SHOWN, "--box", "-5,60,30,30"]
    assert "use mot or csv for several" in refused("track", film, *several, *settings, "otb")
    run("track", film, *several, *settings, "mot")
    rows = boxes_in(table)
    assert len(rows) == 10
    assert rows[0][:6] == [1, 1, BOX[0] + 1, BOX[1] + 1, *BOX[2:]]
    assert rows[1][:2] == [1, 2]


def test_a_damaged_frame_has_a_line_where_lines_have_no_number(tracking_model, tmp_path, capsys):
    for number, frame in enumerate(moving(5)[0]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    (tmp_path / "2.png").write_bytes(b"damaged")
    (tmp_path / "4.png").write_bytes(b"damaged")
    table = tmp_path / "boxes.txt"
    command = ["track", tmp_path, "--box", SHOWN, "--model", tracking_model, "--csv", table, "--format", "otb"]
    assert main(list(map(str, command))) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "cannot be decoded" in line]
    assert warned == [
        f"twinnet: warning: {tmp_path}: frame {number} cannot be decoded, or was left out: skipped" for number in (2, 4)
    ]
    rows = boxes_in(table)
    assert len(rows) == 5
    assert rows[2] == rows[3] == rows[4] != rows[1]


# A shell that starts the tests in the background makes them, and so this program, deaf to the signal.
DEAF_NO_MORE = """
import signal, sys
from twinnet.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_leaves_what_there_is_so_far(tracking_model, tmp_path):
    with VideoWriter(tmp_path / "long.avi") as writer:
        for frame in moving(8)[0]:
            for _ in range(100):
                writer.write(frame)
    out, table = tmp_path / "out.webm", tmp_path / "boxes.csv"
    command = ["track", tmp_path / "long.avi", "--box", SHOWN, "--model", tracking_model, "--out", out, "--csv", table]
    process = subprocess.Popen([sys.executable, "-c", DEAF_NO_MORE, *map(str, command)], stderr=subprocess.PIPE)
    try:
        while process.poll() is None and not list(tmp_path.glob(".out.*")):
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == b"twinnet: interrupted\n"
    finally:
        process.kill()
    assert process.returncode == 130
    rows = list(csv.reader(table.open()))[1:]
    assert 0 < len(rows) < 800
    assert [row[0] for row in rows] == [str(number) for number in range(len(rows))]
    assert all(len(row) == 7 for row in rows)
    assert len(rows) - 1 <= len(list(open_video(out))) <= len(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes.csv", "long.avi", "out.webm"]


def test_bad_input_is_one_line(refused, tracking_model, film, tmp_path, monkeypatch):
    model = ["--model", tracking_model]
    assert "outside the frame" in refused("track", film, "--box", "999,1,5,5", *model, "--csv", tmp_path / "b.csv")
    assert "four numbers" in refused("track", film, "--box", "1,2,3", *model)
    assert "the box [nan, 1.0, 5.0, 5.0] is not four finite numbers" in refused(
        "track", film, "--box", "nan,1,5,5", *model
    )
    assert "no such file" in refused("track", "no.mp4", "--box", SHOWN, *model)
    assert "no such file" in refused("track", film, "--exemplar", "no.png", *model)
    assert "has to end in" in refused("track", film, "--box", SHOWN, *model, "--out", tmp_path / "a.gif")
    before = film.read_bytes()
    outputs = ("--csv", tmp_path / "b.png", "--plot", tmp_path / "." / "b.png")
    assert "b.png is to be written twice" in refused("track", film, "--box", SHOWN, *model, *outputs)
    assert "is read too" in refused("track", film, "--box", SHOWN, *model, "--out", film)
    assert film.read_bytes() == before
    (tmp_path / "text.mp4").write_text("no video")
    assert "text.mp4" in refused("track", tmp_path / "text.mp4", "--box", SHOWN, *model)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "--box x,y,w,h" in refused("track", film, "--select", *model)
    assert not (tmp_path / "b.csv").exists()


def test_evaluation(run, tracking_model, tmp_path):
    frames, boxes = moving(4)
    folder = tmp_path / "Patch" / "img"
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame[..., ::-1])
    np.savetxt(tmp_path / "Patch" / "groundtruth_rect.txt", np.add(boxes, [1, 1, 0, 0]), delimiter=",")
    curves = tmp_path / "curves.png"
    command = [
        "eval",
        "tracking",
        tmp_path,
        "--model",
        tracking_model,
        "--starts",
        2,
        "--plot",
        curves,
        "--peer",
        "mil",
    ]
    result = run(*command)
    assert result["mean"]["auc"] > 0.6
    assert result["sequences"]["Patch"] == pytest.approx(result["mean"])
    assert result["spread"]["starts"] == 2
    assert result["fps"] > 0
    assert set(result["peers"]["mil"]) == {"mean", "spread", "sequences", "fps", "frame_ms"}
    assert curves.is_file()
    halved = run(*command[:5], "--precision", "auto")
    assert halved["mean"]["auc"] == pytest.approx(result["mean"]["auc"], abs=0.2)
