"""`twinnet bench images`: pictures a second."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from twinnet.cli.bench.task import new_task, prepare, report
from twinnet.cli.options import count


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "images", "pictures a second, beside bare decoding and the bare forward pass", run)
    parser.add_argument("--files", type=count, default=2_000, metavar="N", help="JPEG files (default: 2000)")
    parser.add_argument(
        "--backbone", default="timm/resnet18", metavar="NAME", help="with random weights (default: timm/resnet18)"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.images import images

    prepare(options)
    with tempfile.TemporaryDirectory() as folder:
        report(options, images(options.backbone, Path(folder), options.files, options.rounds))
