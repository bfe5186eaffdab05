"""The entry point: finds the subcommand, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from twinnet import __version__
from twinnet.cli.output import check_outputs
from twinnet.errors import TwinnetError

COMMANDS = {
    "encode": "turn sentences or pictures into embeddings, in a file",
    "pairs": "find the most similar pairs of sentences in a file",
    "search": "find the sentences or pictures of a corpus that are closest to a query",
    "label": "choose among names the one that fits a picture or a text best, without training",
    "cluster": "group similar sentences, or drop near duplicates",
    "train": "train a network on texts, pictures or videos",
    "eval": "measure a network on similarity, pairs, triplets, retrieval, verification, identification or tracking",
    "calibrate": "choose the threshold of verdicts for a false match rate, on development pairs",
    "calibrate-tracker": "choose the score below which a target counts as lost, on annotated sequences",
    "calibrate-int8": "measure what a network needs to compute in int8, on a sample of items",
    "enrol": "add people to a gallery, by the embeddings of their pictures",
    "identify": "say who of a gallery is in pictures, in a video, or before the camera",
    "forget": "remove somebody from a gallery",
    "verify": "say whether two faces, signatures, texts or pictures are the same",
    "track": "follow something through a video",
    "bench": "measure how fast this machine embeds, mines, trains, tracks and starts, beside other libraries",
    "models": "list the named models",
    "plugins": "list the registered parts and the packages that bring them",
    "new-plugin": "write the beginning of a package that adds a part of its own",
    "demo": "find similar sentences, verify handwritten digits, follow a face",
}
BAD_INPUT = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
# So many new objects before garbage is looked for: importing torch makes hundreds of thousands that stay.
OBJECTS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: The command line without the program; by default that of this process.

    Returns:
        The exit code: 0 (or what the subcommand says), 2 for bad input, 130 when interrupted, 141 when the reader of
        the output went away.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _write_utf8()
    gc.set_threshold(OBJECTS)
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = build_parser(arguments).parse_args(arguments)
        check_outputs(options)
        code = options.run(options) or 0
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except TwinnetError as error:
        return _fail(f"error: {error}", BAD_INPUT)
    except OSError as error:
        if error.filename is None:
            _drop_output()
        return _fail(f"error: {error.filename or 'the output'}: {error.strerror or error}", BAD_INPUT)
    return int(code)


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser. Only the module of the subcommand that `arguments` choose is imported."""
    parser = argparse.ArgumentParser("twinnet", description="Twin networks for text, images and video.")
    parser.add_argument("--version", action="version", version=f"twinnet {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            import_module(f"twinnet.cli.{name.replace('-', '_')}").configure(subparser)
    return parser


def _fail(message: str, code: int) -> int:
    print(f"twinnet: {message}", file=sys.stderr)
    return code


def _warn(message: Warning | str, *where: object, **further: object) -> None:
    del where, further
    print(f"twinnet: warning: {message}", file=sys.stderr)


def _write_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _drop_output() -> None:
    """Send what is left in the buffer nowhere, so that the interpreter does not fail on it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
