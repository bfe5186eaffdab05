"""What a command takes in: sentences of a file or pictures of a folder, as the network's side wants it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import FORMATS, add_format
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.encoder import Array, Side
    from twinnet.encoding import EncodeReport
    from twinnet.network import TwinNetwork

ITEMS_HELP = "for pictures a folder of them, a picture, or such a file with their paths, relative to it"
SIDES: tuple[Side, ...] = ("left", "right")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How a file that lists sentences or pictures is read."""
    parser.add_argument(
        "--column", metavar="NAME", help="the column with the text or the paths (default: text, image, or the only one)"
    )
    add_format(parser)


@dataclass(frozen=True)
class Source:
    """An input as the command line names it.

    Attributes:
        path: Its path.
        lines: What a file lists; None for a folder or a picture.
    """

    path: str
    lines: list[str] | None

    @classmethod
    def read(cls, path: str | Path, column: str | None = None, file_format: str | None = None) -> Source:
        """Read it as far as can be done before the network is known.

        Raises:
            TwinnetError: If it is missing, or a file that is not what its format says.
        """
        from twinnet.data.tables import read_column

        path = str(path)
        if path != "-" and not Path(path).exists():
            raise TwinnetError(f"{path}: no such file")
        suffix = Path(path).suffix.removeprefix(".").lower()
        is_list = not Path(path).is_dir() and (file_format is not None or suffix in ("", *FORMATS))
        return cls(path, read_column(path, column, file_format) if is_list else None)

    def items(self, network: TwinNetwork, side: Side) -> list[str]:
        """The sentences, or the paths of the pictures, as a side of a network takes them.

        Raises:
            TwinnetError: If it holds pictures and the side takes text.
        """
        from twinnet.data.pictures import files_under
        from twinnet.data.tables import read_column

        path = Path(self.path)
        if takes_pictures(network, side):
            if self.lines is not None:
                home = Path() if self.path == "-" else path.parent
                return [str(home / name) for name in self.lines]
            return list(map(str, files_under(path))) if path.is_dir() else [self.path]
        if path.is_dir():
            where = "" if network.other is None else f" on the {side}"
            raise TwinnetError(f"{self.path} is a folder, and this model takes text{where}: expected a file")
        return read_column(self.path) if self.lines is None else self.lines


@dataclass(frozen=True)
class Embedded:
    """What could be embedded.

    Attributes:
        items: The sentences or paths that could be taken.
        rows: Their embeddings (N, D).
        report: What happened.
    """

    items: Sequence[str]
    rows: Array
    report: EncodeReport

    @property
    def problems(self) -> list[str]:
        """What is wrong with each item that could not be taken."""
        return [error.problem for error in self.report.refused.values()]


def takes_pictures(network: TwinNetwork, side: Side) -> bool:
    """Whether a side's items are paths of pictures."""
    return network.side(side).reader().takes_files


def embed(network: TwinNetwork, items: Sequence[str], side: Side, **options: Any) -> Embedded:
    """Embed items; of pictures those that can be read.

    Raises:
        TwinnetError: If a sentence or an option cannot be taken, or no picture can.
    """
    from twinnet.encoding import EncodeReport

    report = EncodeReport()
    skip = takes_pictures(network, side)
    rows = network.encode(items, side=side, report=report, skip_bad=skip, **options)
    kept = [row for row in range(len(items)) if row not in report.refused]
    if report.refused and not kept:
        raise TwinnetError(f"no picture can be read, the first one because: {report.refused[0].problem}")
    return Embedded([items[row] for row in kept], rows[kept], report)


def refuse(problems: Sequence[str], taken: int, place: str) -> None:
    """Name the pictures that could not be taken, when the work on the others is done.

    Raises:
        TwinnetError: If there are any.
    """
    for problem in problems:
        print(f"twinnet: {problem}", file=sys.stderr)
    if problems:
        raise TwinnetError(f"{len(problems)} of {taken + len(problems)} pictures were left out of {place}, see above")
