"""Results on standard output or in files that are written whole or not at all; times of the stages."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twinnet.errors import TwinnetError

SHOWN_WIDTH = 90
# Options that name a file to be written.
OUTPUTS = ("out", "csv", "plot")


class Stages:
    """Measures the stages of a command.

    Attributes:
        seconds: How long each stage took, in order.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure a stage; one that is entered again adds to its time."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 4)

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())


def finish(options: argparse.Namespace, result: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Show a result: as JSON (--json), in a file (--out), or as lines for people."""
    if options.out:
        write_atomically(
            destination(options.out), lambda path: path.write_text(as_json(result) + "\n", "utf-8", "backslashreplace")
        )
    if options.json:
        print(as_json(result))
    elif not options.out:
        print("\n".join(lines))


def as_json(result: Mapping[str, Any]) -> str:
    """One line of JSON; numpy's numbers are numbers, and what is not a number is null."""
    return json.dumps(_plain(result), ensure_ascii=False, allow_nan=False)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines with the cells of each column under each other; the last column is not padded."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header) - 1)]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in cells]


def left_out(failures: Mapping[str, Any]) -> str:
    """What gave no ground for a verdict, in words; takes what `Acquired.failure_to_acquire` gives."""
    if not failures["items"]:
        return f"none of {failures['of']:,} items"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in failures["reasons"].items())
    trials = f", and {failures['trials_left_out']:,} comparisons with them" if "trials_left_out" in failures else ""
    return f"{failures['items']:,} of {failures['of']:,} items ({reasons}){trials}"


def report_left_out(failures: Mapping[str, Any]) -> None:
    """Name on standard error what gave no ground for a verdict."""
    for failure in failures["left_out"]:
        print(f"twinnet: left out: {failure['item']}: {failure['reason']}", file=sys.stderr)


def report_problems(problems: Iterable[str]) -> None:
    """Name on standard error what is wrong with installed plugins."""
    for problem in problems:
        print(f"twinnet: {problem}", file=sys.stderr)


def shown(text: str) -> str:
    """A sentence on one line: without control characters, and cut where it is too long."""
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text.strip())
    return line if len(line) <= SHOWN_WIDTH else line[: SHOWN_WIDTH - 1] + "…"


def destination(path: str, suffixes: Sequence[str] = ()) -> Path:
    """Where a file will be written, checked before the work begins.

    Raises:
        TwinnetError: If it has another ending than `suffixes`, or nothing could be written there.
    """
    target = Path(path).resolve()
    if suffixes and Path(path).suffix.lower() not in suffixes:
        raise TwinnetError(f"{path}: the name has to end in {' or '.join(suffixes)}")
    if target.exists() and not target.is_file():
        raise TwinnetError(f"{path} is no regular file: choose another name")
    if not target.parent.is_dir():
        raise TwinnetError(f"{path}: there is no folder {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise TwinnetError(f"{path}: nothing may be written into the folder {target.parent}")
    return target


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse to write over a file that is read.

    Raises:
        TwinnetError: If an output is one of the other arguments too.
    """
    given = {name: value for name, value in vars(options).items() if name not in OUTPUTS}
    values = [part for value in given.values() for part in (value if isinstance(value, list) else [value])]
    inputs = [Path(value) for value in values if isinstance(value, str | Path) and _is_file(value)]
    for name in OUTPUTS:
        path = getattr(options, name, None)
        if path and Path(path).is_file() and any(Path(path).samefile(read) for read in inputs):
            raise TwinnetError(f"--{name} {path} is read too: choose another name")


def _is_file(value: str | Path) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):  # a text that no file can be named
        return False


def write_atomically(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file that then takes the place of `target`.

    Raises:
        TwinnetError: If it cannot be written; nothing is left behind.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(target)
    except OSError as error:
        raise TwinnetError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value - value != 0 else value
