"""`twinnet track`: follow something through a video."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from twinnet.cli.options import VIDEOS, add_device, add_json, add_precision
from twinnet.cli.output import as_json, destination, write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.tracking.track import Track

FORMATS = ("csv", "otb", "mot")
SELECT = "Draw a box around the target, then press ENTER"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "video", metavar="VIDEO", help="a video file, a folder or glob of pictures, a camera index, or an address"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--box", action="append", metavar="X,Y,W,H", help="its box in the first frame; repeat for more")
    what.add_argument("--exemplar", action="append", metavar="PICTURE", help="a picture of it; repeat for more")
    what.add_argument("--select", action="store_true", help="draw the box in a window")
    parser.add_argument("--model", default="tracker", metavar="NAME", help="a name or a folder (default: tracker)")
    add_device(parser)
    add_precision(parser)
    parser.add_argument("--fast", action="store_true", help="a smaller search region, or one size instead of three")
    parser.add_argument("--out", metavar="VIDEO", help="write the annotated video (.webm plays in browsers)")
    parser.add_argument("--overlay", action="store_true", help="show the similarity map in the annotated video")
    parser.add_argument("--csv", metavar="FILE", help="write the boxes")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="of the boxes (default: csv)")
    parser.add_argument("--plot", metavar="PNG", help="draw score and size over time")
    add_json(parser)
    parser.set_defaults(run=run)
    # A box that begins left of the frame is no option.
    parser._negative_number_matcher = re.compile(r"-[\d.]")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    picture = destination(options.plot, (".png",)) if options.plot else None
    if options.out:
        destination(options.out, VIDEOS)
    table = destination(options.csv) if options.csv else None
    written = list(filter(None, (options.out, options.csv, options.plot)))
    for path in written:
        if [Path(other).resolve() for other in written].count(Path(path).resolve()) > 1:
            raise TwinnetError(f"{path} is to be written twice: give each thing that is written a name of its own")
    if options.format == "otb" and len(options.box or options.exemplar or []) > 1:
        raise TwinnetError("--format otb has no column for the target: use mot or csv for several")
    boxes = [_box(text) for text in options.box or []]
    import twinnet

    source = _source(options.video)
    if options.select:
        source, boxes = _select(source)
    track = twinnet.track(
        source,
        boxes or options.exemplar,
        model=options.model,
        device=options.device,
        fast=options.fast,
        precision=options.encode_precision,
    )
    rows: dict[str, list[Any]] = {exemplar.name: [] for exemplar in track.exemplars}
    start = time.perf_counter()
    try:
        _follow(options, track, table, rows)
    finally:
        if picture is not None and any(rows.values()):
            from twinnet.plots.timeline import draw_timeline

            write_atomically(picture, lambda path: draw_timeline(rows, track.tracker.threshold, path))
    seconds = time.perf_counter() - start
    frames = max(len(found) for found in rows.values())
    _report(options, track, rows, {"frames": frames, "seconds": round(seconds, 3), "fps": round(frames / seconds, 2)})


def _follow(options: argparse.Namespace, track: Track, table: Path | None, rows: dict[str, list[Any]]) -> None:
    from tqdm import tqdm

    from twinnet.tracking.drawing import annotate
    from twinnet.tracking.tables import BoxTable
    from twinnet.tracking.track import Hit
    from twinnet.video import VideoWriter

    with ExitStack() as stack:
        file = stack.enter_context(_partial(table)) if table else None
        boxes = BoxTable(file, options.format, list(rows)) if file else None
        writer = stack.enter_context(VideoWriter(options.out, track.video.fps)) if options.out else None
        bar = stack.enter_context(
            tqdm(total=track.video.length, desc="track", unit="frame", disable=None, file=sys.stderr)
        )
        for frame, targets in track.frames():
            for name, target in targets.items():
                hit = Hit(frame.number, frame.time, target.box, target.score, target.lost, name)
                rows[name].append([hit.frame, *map(float, hit.box), hit.score, int(hit.lost)])
                if boxes:
                    boxes.add(hit)
            if writer:
                writer.write(annotate(frame.pixels, targets, overlay=options.overlay))
            bar.update()
        if boxes:
            boxes.finish(max(track.skipped, default=-1) + 1)


def _report(options: argparse.Namespace, track: Track, rows: dict[str, list[Any]], figures: dict[str, Any]) -> None:
    columns = ["frame", "x", "y", "w", "h", "score", "lost"]
    result = {"video": track.video.name, "model": options.model, **figures, "skipped": track.skipped,
              "columns": columns, "targets": rows}  # fmt: skip
    if options.json:
        print(as_json(result))
        return
    print(f"{figures['frames']} frames in {figures['seconds']:.1f} s ({figures['fps']:.1f} frames per second)")
    for name, found in rows.items():
        lost = sum(row[6] for row in found)
        print(f"target {name}: seen in {len(found) - lost} frames, lost in {lost}")
    if track.skipped:
        print(f"{len(track.skipped)} damaged frames skipped")
    for path in (options.out, options.csv, options.plot):
        if path:
            print(path)


@contextmanager
def _partial(path: Path) -> Iterator[TextIO]:
    """A text file that takes its place, with the lines so far, also when the work is interrupted."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
    finally:
        if temporary.stat().st_size:
            temporary.replace(path)
        else:
            temporary.unlink()


def _source(video: str) -> str | int:
    return int(video) if video.isdecimal() and not Path(video).exists() else video


def _box(text: str) -> list[float]:
    try:
        box = [float(part) for part in text.split(",")]
    except ValueError:
        box = []
    if len(box) != 4:
        raise TwinnetError(f"--box {text}: write four numbers x,y,w,h, as in --box 120,80,60,40")
    return box


def _select(source: Any) -> tuple[Any, list[list[float]]]:
    """The video and the box that the user draws into its first frame."""
    import cv2

    from twinnet.video import open_video

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise TwinnetError("--select needs a display and there is none: give the box with --box x,y,w,h instead")
    video = open_video(source)
    frame = next(iter(video)).pixels
    try:
        box = cv2.selectROI(SELECT, frame[..., ::-1].copy(), showCrosshair=False)
        cv2.destroyAllWindows()
    except cv2.error as error:
        raise TwinnetError("--select: OpenCV opens no window here: give the box with --box x,y,w,h") from error
    if box[2] <= 0 or box[3] <= 0:
        raise TwinnetError("--select: no box was drawn")
    return video, [[float(value) for value in box]]
