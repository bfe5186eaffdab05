"""`twinnet bench track`: frames a second."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from twinnet.cli.bench.task import new_task, prepare, report
from twinnet.cli.options import count
from twinnet.errors import TwinnetError


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "track", "frames a second of the tracker and of SiamFC, and where the time goes", run)
    parser.add_argument("sequence", metavar="SEQUENCE", help="a folder as `twinnet eval tracking` takes it")
    parser.add_argument("--frames", type=count, default=100, metavar="N", help="of the sequence (default: 100)")
    parser.add_argument("--model", default="tracker", metavar="NAME", help="a tracking network (default: tracker)")
    parser.add_argument("--nano-backbone", metavar="FILE", help="the .onnx file of cv2.TrackerNano's backbone")
    parser.add_argument("--nano-head", metavar="FILE", help="that of its head; with both, it takes part")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.tracking import tracking_speed

    prepare(options)
    files = (options.nano_backbone, options.nano_head)
    if any(files) and not all(files):
        raise TwinnetError("cv2.TrackerNano needs both files: give --nano-backbone and --nano-head")
    nanotrack = files if all(files) else None
    with tempfile.TemporaryDirectory() as folder:
        contests = tracking_speed(
            options.model, options.sequence, Path(folder), options.frames, options.rounds, nanotrack
        )
        report(options, contests)
