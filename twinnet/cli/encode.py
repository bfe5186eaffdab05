"""`twinnet encode`: sentences or pictures to embeddings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.items import ITEMS_HELP, SIDES, Embedded, Source, add_reading, embed, refuse, takes_pictures
from twinnet.cli.options import FILE_HELP, add_json, add_model, add_precision, count, load_network
from twinnet.cli.output import Stages, as_json, destination, write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".npy", ".safetensors", ".jsonl")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help=f"{FILE_HELP}; {ITEMS_HELP}",
    )
    add_reading(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".npy (rows in the order of the input), .safetensors (tensor `embeddings`) or .jsonl (items too); "
        "the names of pictures go into a .names.txt file beside the first two",
    )
    add_model(parser)
    add_precision(parser)
    parser.add_argument("--side", choices=SIDES, default="left", help="of a half-twin, the side (default: left)")
    parser.add_argument("--normalize", action="store_true", help="scale each embedding to unit length")
    parser.add_argument("--truncate-dim", type=count, metavar="N", help="keep only the first N dimensions")
    parser.add_argument("--quantize", choices=("int8", "binary"), help="write int8 levels, or packed sign bits")
    parser.add_argument(
        "--prompt", help="a text to put before each sentence, or the name of one of the model's prompts"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        TwinnetError: If the input cannot be read. If only some pictures cannot, the others are written first.
    """
    target = destination(options.out, SUFFIXES)
    suffix = Path(options.out).suffix.lower()
    stages = Stages()
    source = Source.read(options.file, options.column, options.format)
    with stages("load"):
        network = load_network(options)
    of_pictures = takes_pictures(network, options.side)
    items = source.items(network, options.side)
    if of_pictures:
        _check_names(items, suffix)
    with stages("encode"):
        embedded = embed(
            network,
            items,
            options.side,
            normalize=options.normalize,
            truncate_dim=options.truncate_dim,
            quantize=options.quantize,
            **({} if options.prompt is None else {"prompt": options.prompt}),
        )
    names, rows = embedded.items, embedded.rows
    with stages("write"):
        write_atomically(target, lambda path: _write(path, suffix, names, rows, of_pictures))
        if of_pictures and suffix != ".jsonl":
            write_atomically(
                target.with_suffix(".names.txt"), lambda path: path.write_text("\n".join([*names, ""]), "utf-8")
            )
    _report(options, embedded, stages, "pictures" if of_pictures else "sentences")
    refuse(embedded.problems, len(names), options.out)


def _check_names(names: Sequence[str], suffix: str) -> None:
    """Names of pictures are written too, one a line but for .jsonl."""
    from twinnet.files import is_unicode

    for name in names:
        if not is_unicode(name):
            raise TwinnetError(f"{name!r}: the name is not Unicode and cannot be written: rename the file")
        if suffix != ".jsonl" and len(name.splitlines()) != 1:
            raise TwinnetError(f"{name!r}: the name has several lines: rename the file, or write .jsonl")


def _report(options: argparse.Namespace, embedded: Embedded, stages: Stages, kind: str) -> None:
    rows, width = embedded.rows.shape
    truncated = len(embedded.report.truncated)
    if options.json:
        result = {kind: rows, "dim": width, "dtype": str(embedded.rows.dtype), "out": options.out}
        result |= {"refused": embedded.problems} if embedded.problems else {}
        print(as_json(result | {"truncated": truncated, "seconds": stages.seconds}))
        return
    print(f"{options.out}: {rows} x {width} {embedded.rows.dtype} ({stages})")
    if truncated:
        print(f"{truncated} of {rows} sentences were longer than the model takes, and were cut off")


def _write(path: Path, suffix: str, items: Sequence[str], embeddings: np.ndarray[Any, Any], of_pictures: bool) -> None:
    import numpy as np
    from safetensors.numpy import save

    if suffix == ".npy":
        rows = np.ascontiguousarray(embeddings)
        with path.open("wb") as file:
            # numpy.save does not say what stopped it, such as a full disk.
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(rows))
            file.write(rows.data)
    elif suffix == ".safetensors":
        path.write_bytes(save({"embeddings": np.ascontiguousarray(embeddings)}))
    else:
        key = "image" if of_pictures else "text"
        with path.open("w", encoding="utf-8") as file:
            for item, row in zip(items, embeddings, strict=True):
                file.write(json.dumps({key: item, "embedding": row.tolist()}, ensure_ascii=False) + "\n")
