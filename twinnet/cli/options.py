"""Options that several subcommands share, and what they stand for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.output import destination
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork

DEFAULT_MODEL = "all-MiniLM-L6-v2"
VIDEOS = (".webm", ".mp4", ".avi")
PEERS = ("nanotrack", "mil")
PRECISIONS = ("float32", "bfloat16", "int8", "auto")
FORMATS = ("txt", "tsv", "csv", "jsonl", "parquet")
RULES = ("mean", "max", "centroid")
FILE_HELP = ".txt (one sentence a line), .tsv, .csv, .jsonl or .parquet; - is standard input"

PAIRS_HELP = (
    "columns label (1 same, 0 different), s1, s2 for text, or label, image1, image2 for pictures, with paths relative "
    "to the table (s3, image3 and so on are further references); or all with all: columns label, text or label, image, "
    "or a folder with one folder of pictures for each identity"
)


def add_file(parser: argparse.ArgumentParser) -> None:
    """An input file, its format and its column."""
    parser.add_argument("file", metavar="FILE", help=FILE_HELP)
    parser.add_argument("--column", metavar="NAME", help="the column with the text (default: text, or the only one)")
    add_format(parser)


def add_format(parser: argparse.ArgumentParser) -> None:
    """The format of the input, where the name of the file does not say it."""
    parser.add_argument("--format", choices=FORMATS, help="the format of the input (default: as the file is named)")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The network, and where it runs."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME",
        help=f"a name (see `twinnet models`), a folder, or owner/name on the hub (default: {DEFAULT_MODEL})",
    )
    add_device(parser)


def add_precision(parser: argparse.ArgumentParser) -> None:
    """What networks are computed in."""
    parser.add_argument(
        "--precision",
        dest="encode_precision",
        choices=PRECISIONS,
        default="float32",
        help="what to compute in; auto takes bfloat16 where the processor can (default: float32)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Where the network runs."""
    parser.add_argument("--device", help="where to run, as torch names it: cpu, cuda, cuda:1, ... (default: cpu)")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """The seed of random choices."""
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of random choices of items (default: 0)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Whether the result is for programs."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def add_output(parser: argparse.ArgumentParser) -> None:
    """How the result is shown."""
    add_json(parser)
    parser.add_argument("--out", type=_file, metavar="FILE", help="write that JSON object into FILE")


def count(text: str) -> int:
    """The type of an option that takes 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def spec(text: str) -> str | dict[str, Any]:
    """The type of an option that names a component: a name, or a JSON object with the key "name" and its arguments."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON object ({error})") from error
    if "name" not in found:
        raise argparse.ArgumentTypeError(f'{text} lacks the key "name"')
    return dict(found)


def read_sentences(options: argparse.Namespace) -> list[str]:
    """The sentences of the input file."""
    from twinnet.data.tables import read_column

    return read_column(options.file, options.column, options.format)


def load_network(options: argparse.Namespace) -> TwinNetwork:
    """The network that --model names, on --device."""
    import twinnet

    precision = vars(options).get("encode_precision", "float32")
    return twinnet.load(options.model, device=options.device, precision=precision)


def check_there(paths: Iterable[str | Path]) -> None:
    """Refuse a path that is no file, before anything is loaded.

    Raises:
        TwinnetError: If one is not; the message names it.
    """
    for path in paths:
        if not Path(path).is_file():
            raise TwinnetError(f"{path}: there is no such file")


def calibrated_folder(options: argparse.Namespace) -> Path:
    """Where a network is saved with what was measured: --out, or the folder that MODEL is.

    Raises:
        TwinnetError: If there is neither, or something else than a network is there.
    """
    from twinnet.folder import check_destination

    if options.out is None and not Path(options.model).is_dir():
        raise TwinnetError(f"{options.model} is no folder that the network could be saved in: choose one with --out")
    target = Path(options.out or options.model)
    check_destination(target)
    return target


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is no whole number of 0 or more, below 2**63")
    return value


def _file(path: str) -> str:
    try:
        destination(path)
    except TwinnetError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return path
