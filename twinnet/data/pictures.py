"""Examples of pictures: folders of classes, and tables of paths."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from twinnet.data.examples import Examples, labelled
from twinnet.data.tables import Table, read_table
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision

COLUMNS = "label, image; label (1 same, 0 different), image1, image2; or anchor, positive and perhaps negative"


def read_pictures(path: str | PathLike[str], file_format: str | None = None) -> Examples:
    """Read examples of pictures; which kind they are follows from what is there.

    Args:
        path: A folder with a folder of pictures for each class. Or a table with the columns label, image (labels); or
            label, image1, image2 (labelled pairs); or anchor, positive (pairs that belong together); or anchor,
            positive, negative (triplets). Paths in a table are relative to it.
        file_format: As in `read_table`.

    Raises:
        TwinnetError: If it is neither, or a picture is missing.
    """
    if Path(path).is_dir():
        return labelled(*class_folders(Path(path)))
    table = read_table(path, file_format)
    columns = table.columns
    if "image" in columns:
        return labelled(paths_of(table, "image"), table.labels("label"))
    if "image1" in columns:
        paths = paths_of(table, "image1"), paths_of(table, "image2")
        return Examples(paths, table.same(), Supervision.LABELLED_PAIRS)
    if "anchor" not in columns:
        raise TwinnetError(f"{table.path} has the columns {', '.join(columns)}: expected {COLUMNS}")
    names = [name for name in ("anchor", "positive", "negative") if name in columns]
    kind = Supervision.TRIPLETS if len(names) == 3 else Supervision.PAIRS
    return Examples(tuple(paths_of(table, name) for name in names), None, kind)


def paths_of(table: Table, column: str) -> list[Path]:
    """The paths in a column, which are relative to the table.

    Raises:
        TwinnetError: If there is no such file; the message names the line.
    """
    home = Path(table.path).parent
    paths = [home / name for name in table.texts(column)]
    for row, path in enumerate(paths):
        if not path.is_file():
            raise TwinnetError(f"{table.place(row)}: there is no picture {path}")
    return paths


def class_folders(folder: Path) -> tuple[list[Path], list[str]]:
    """The files in the folders of a folder, sorted, and the folder that each is in; hidden ones do not count.

    Raises:
        TwinnetError: If there are none.
    """
    paths = [path for path in files_under(folder) if len(path.relative_to(folder).parts) == 2]
    if not paths:
        raise TwinnetError(f"{folder} holds no folders with pictures: one folder for each class is expected")
    return paths, [path.parent.name for path in paths]


def files_under(folder: Path) -> list[Path]:
    """The files in a folder and in its folders, sorted; hidden ones do not count, links to folders do.

    Raises:
        TwinnetError: If there are none, or a folder cannot be read.
    """
    try:
        paths = sorted(_walk(folder, frozenset()))
    except OSError as error:
        raise TwinnetError(f"{folder} cannot be read ({error})") from error
    if not paths:
        raise TwinnetError(f"{folder} holds no files")
    return paths


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """The files below a folder, and links to nothing, so that they are reported; no links to a folder above."""
    own = folder.resolve()
    if own in above:
        return
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, above | {own})
        elif path.is_file() or path.is_symlink():
            yield path
