"""`twinnet bench import`: from nothing to a loaded network."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.bench.task import installed, new_task, prepare, report
from twinnet.cli.options import add_model


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "import", "how long `import twinnet`, the help and loading a text network take", run)
    add_model(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.startup import startup
    from twinnet.models.loading import find_model

    prepare(options)
    report(options, startup(find_model(options.model), options.rounds, installed("sentence_transformers")))
