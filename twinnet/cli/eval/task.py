"""What all kinds of evaluation share: their options, and how the figures are shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from twinnet.cli.options import add_format, add_model, add_output, add_precision
from twinnet.cli.output import Stages, finish


def new_task(
    tasks: Any, name: str, summary: str, columns: str, run: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    """The parser of a kind of evaluation, which adds its files and options to it.

    Args:
        tasks: The subparsers of `twinnet eval`.
        name: Its name on the command line.
        summary: What is measured.
        columns: What the files must hold.
        run: Runs it.
    """
    parser: argparse.ArgumentParser = tasks.add_parser(name, help=summary, description=f"{summary}. Input: {columns}.")
    parser.set_defaults(run=run)
    add_format(parser)
    add_model(parser)
    add_precision(parser)
    add_output(parser)
    return parser


def report(options: argparse.Namespace, figures: Mapping[str, Any], stages: Stages) -> None:
    """Show the figures, the model and the times."""
    lines = [f"{name:<18} {value:.4f}" if isinstance(value, float) else f"{name:<18} {value}"
             for name, value in figures.items()]  # fmt: skip
    finish(options, {**figures, "model": options.model, "seconds": stages.seconds}, [*lines, str(stages)])
