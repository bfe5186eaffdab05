"""`twinnet encode`: sentences or pictures to embeddings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import FILE_HELP, add_format, add_model, count, load_network, read_sentences
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
        help=f"{FILE_HELP}; for pictures a folder of them, or such a file with their paths, relative to it",
    )
    parser.add_argument(
        "--column", metavar="NAME", help="the column with the text or the paths (default: text, image, or the only one)"
    )
    add_format(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".npy (rows in the order of the input), .safetensors (tensor `embeddings`) or .jsonl (items too); "
        "the names of pictures go into a .txt file beside the first two",
    )
    add_model(parser)
    parser.add_argument("--normalize", action="store_true", help="scale each embedding to unit length")
    parser.add_argument("--truncate-dim", type=count, metavar="N", help="keep only the first N dimensions")
    parser.add_argument("--quantize", choices=("int8", "binary"), help="write int8 levels, or packed sign bits")
    parser.add_argument(
        "--precision",
        choices=("float32", "bf16"),
        default="float32",
        help="bf16 is faster on new processors",
    )
    parser.add_argument(
        "--prompt", help="a text to put before each sentence, or the name of one of the model's prompts"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        TwinnetError: If the input cannot be read. If only some pictures cannot, the others are written first.
    """
    target = destination(options.out, SUFFIXES)
    stages = Stages()
    sentences = None if Path(options.file).is_dir() else read_sentences(options)
    with stages("load"):
        from twinnet.encoding import EncodeReport

        network = load_network(options)
    of_pictures = network.tower.reader().takes_files
    items = _paths(options, sentences) if of_pictures else sentences
    if items is None:
        raise TwinnetError(f"{options.file} is a folder, and {options.model} takes text: expected a file")
    report = EncodeReport()
    with stages("encode"):
        embeddings = network.encode(
            items,
            normalize=options.normalize,
            truncate_dim=options.truncate_dim,
            quantize=options.quantize,
            precision=options.precision,
            report=report,
            skip_bad=of_pictures,
            **({} if of_pictures and options.prompt is None else {"prompt": options.prompt}),
        )
    kept = [row for row in range(len(items)) if row not in report.refused]
    embeddings, names = embeddings[kept], [items[row] for row in kept]
    with stages("write"):
        write_atomically(target, lambda path: _write(path, target.suffix, names, embeddings, of_pictures))
        if of_pictures and target.suffix != ".jsonl":
            write_atomically(target.with_suffix(".txt"), lambda path: path.write_text("\n".join([*names, ""]), "utf-8"))
    _report(options, report, embeddings, stages, "pictures" if of_pictures else "sentences")
    if report.refused:
        for error in report.refused.values():
            print(f"twinnet: {error.problem}", file=sys.stderr)
        raise TwinnetError(f"{len(report.refused)} of {len(items)} pictures were left out of {options.out}, see above")


def _report(
    options: argparse.Namespace, report: Any, embeddings: np.ndarray[Any, Any], stages: Stages, kind: str
) -> None:
    rows, width = embeddings.shape
    if options.json:
        result = {kind: rows, "dim": width, "dtype": str(embeddings.dtype), "out": options.out}
        result |= {"refused": [error.problem for error in report.refused.values()]} if report.refused else {}
        print(as_json(result | {"truncated": len(report.truncated), "seconds": stages.seconds}))
        return
    print(f"{options.out}: {rows} x {width} {embeddings.dtype} ({stages})")
    if report.truncated:
        print(f"{len(report.truncated)} of {rows} sentences were longer than the model takes, and were cut off")


def _paths(options: argparse.Namespace, listed: list[str] | None) -> list[str]:
    """The paths of the pictures in a folder, or of those that a file lists."""
    from twinnet.data.pictures import files_under

    if listed is None:
        return [str(path) for path in files_under(Path(options.file))]
    home = Path() if options.file == "-" else Path(options.file).parent
    return [str(home / name) for name in listed]


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
