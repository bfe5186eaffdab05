"""What every kind of training shares: its settings, and how the result is shown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_json, count, spec
from twinnet.cli.output import as_json

if TYPE_CHECKING:
    from twinnet.training import TrainingConfig


def add_settings(parser: argparse.ArgumentParser, loss: str, learning_rate: float = 2e-5) -> None:
    """Add the settings of a run.

    Args:
        parser: The parser of the kind of training.
        loss: The loss unless another is asked for.
        learning_rate: Likewise.
    """
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the trained network")
    parser.add_argument(
        "--loss",
        type=spec,
        default=loss,
        metavar="SPEC",
        help=f"the loss, see `twinnet plugins`, or JSON with arguments (default: {loss})",
    )
    parser.add_argument("--epochs", type=count, default=1, metavar="N")
    parser.add_argument("--batch-size", type=count, default=32, metavar="N")
    parser.add_argument(
        "--optimizer", choices=("adamw", "muon"), default="adamw", help="muon learns faster from scratch"
    )
    parser.add_argument("--learning-rate", type=float, default=learning_rate, metavar="X")
    parser.add_argument("--backbone-learning-rate", type=float, metavar="X", help="for the backbone's weights")
    parser.add_argument(
        "--layer-decay", type=float, metavar="X", help="each layer's rate is that of the layer above it times this"
    )
    parser.add_argument("--loss-learning-rate", type=float, metavar="X", help="for the loss's own weights")
    parser.add_argument("--warmup", type=float, default=0.1, metavar="SHARE", help="share of the steps (default: 0.1)")
    parser.add_argument("--schedule", choices=("linear", "cosine", "constant", "slanted-triangular"), default="linear")
    parser.add_argument(
        "--unfreeze-every", type=count, metavar="STEPS",
        help="train the head first, and after every so many steps one layer more (default: all from the start)",
    )  # fmt: skip
    parser.add_argument("--accumulate", type=count, default=1, metavar="N", help="batches for one step")
    parser.add_argument("--precision", choices=("no", "bf16", "fp16"), default="no", help="mixed precision")
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes that prepare batches (default: a thread)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--evaluate-every", type=count, metavar="STEPS", help="default: once an epoch")
    parser.add_argument("--checkpoint-every", type=count, metavar="STEPS", help="default: once an epoch")
    resume = "go on from the newest checkpoint in DIR.training; without this they are removed"
    parser.add_argument("--resume", action="store_true", help=resume)
    add_json(parser)


def read_settings(options: argparse.Namespace) -> TrainingConfig:
    """The configuration that the settings stand for."""
    from twinnet.training import TrainingConfig

    given = vars(options)
    return TrainingConfig(**{field.name: given[field.name] for field in fields(TrainingConfig) if field.name in given})


def show_figures(options: argparse.Namespace, figures: Mapping[str, Any]) -> None:
    """Print what a run gave: as one JSON object (--json), or one figure a line; once, however many processes ran it."""
    from accelerate import PartialState

    if not PartialState().is_main_process:
        return
    if options.json:
        print(as_json(figures))
        return
    for name, value in figures.items():
        for shown in value if isinstance(value, list) else [value] if value is not None else []:
            print(f"{name:<12} {_line(shown)}")


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_line(figure)}" for name, figure in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
