"""`twinnet encode`: sentences to embeddings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_file, add_model, count, load_network, read_sentences
from twinnet.cli.output import Stages, as_json, destination, write_atomically

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".npy", ".safetensors", ".jsonl")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_file(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".npy (rows in the order of the input), .safetensors (tensor `embeddings`) or .jsonl (text and embedding)",
    )
    add_model(parser)
    parser.add_argument("--normalize", action="store_true", help="scale each embedding to unit length")
    parser.add_argument("--truncate-dim", type=count, metavar="N", help="keep only the first N dimensions")
    parser.add_argument("--quantize", choices=("int8", "binary"), help="write int8 levels, or packed sign bits")
    parser.add_argument(
        "--prompt", help="a text to put before each sentence, or the name of one of the model's prompts"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    target = destination(options.out, SUFFIXES)
    stages = Stages()
    sentences = read_sentences(options)
    with stages("load"):
        from twinnet.encoding import EncodeReport

        network = load_network(options)
    report = EncodeReport()
    with stages("encode"):
        embeddings = network.encode(
            sentences,
            normalize=options.normalize,
            truncate_dim=options.truncate_dim,
            quantize=options.quantize,
            prompt=options.prompt,
            report=report,
        )
    with stages("write"):
        write_atomically(target, lambda path: _write(path, Path(options.out).suffix, sentences, embeddings))
    rows, width = embeddings.shape
    if options.json:
        result = {"sentences": rows, "dim": width, "dtype": str(embeddings.dtype), "out": options.out}
        print(as_json(result | {"truncated": len(report.truncated), "seconds": stages.seconds}))
        return
    print(f"{options.out}: {rows} x {width} {embeddings.dtype} ({stages})")
    if report.truncated:
        print(f"{len(report.truncated)} of {rows} sentences were longer than the model takes, and were cut off")


def _write(path: Path, suffix: str, sentences: list[str], embeddings: np.ndarray[Any, Any]) -> None:
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
        with path.open("w", encoding="utf-8") as file:
            for text, row in zip(sentences, embeddings, strict=True):
                file.write(json.dumps({"text": text, "embedding": row.tolist()}, ensure_ascii=False) + "\n")
