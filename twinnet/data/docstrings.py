"""English sentences that are on any machine with Python: the docstrings of the installed packages."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path

from tqdm import tqdm

MARKUP = re.compile(
    r":[\w:]+:`~?\.?([^`<]+?)(?: *<[^`>]*>)?`|``([^`]+)``|`([^`<]+?)(?: *<[^`>]*>)?`_{0,2}|\*\*([^*]+)\*\*"
)
SENTENCE_END = re.compile(r"(?<=[a-z)][.!?])\s+(?=[A-Z])")
SENTENCE = re.compile(r"[A-Z][A-Za-z0-9 ,;:'()/%-]*[.!?]")
NOT_PROSE = re.compile(r"e\.g|i\.e|[:;]$|\b[A-Z]{4,}\b|\b\w+\(|::|--|\w/\w|[a-z][A-Z]|\w:\w|[,;:'(/-]{2}")
FIELD = re.compile(r"\s*([-*+>|.:@\\]|\d+[.)]|\w+\s*:|\w+ \(.*\)\s*:|[=~^#\"'-]{3,})")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
WORDS = range(4, 41)
LETTERS = 0.75


def docstring_sentences(limit: int = 10_000, progress: bool | None = None) -> list[str]:
    """Gather English sentences from the docstrings of installed packages.

    The files are parsed, never imported. Packages take turns, file by file, so that the sentences are of every kind;
    they are the same on every run in the same environment.

    Args:
        limit: How many sentences to gather at most.
        progress: Whether to show a bar on standard error; unless given, only on a terminal.

    Returns:
        Sentences that differ by more than case and space.
    """
    found: dict[str, str] = {}
    with tqdm(total=limit, desc="gather", unit="sentence", disable=None if progress is None else not progress) as bar:
        for path in _source_files():
            for sentence in chain.from_iterable(map(sentences_of, _docstrings(path))):
                found.setdefault(" ".join(sentence.casefold().split()), sentence)
            bar.update(min(len(found), limit) - bar.n)
            if len(found) >= limit:
                break
    return list(found.values())[:limit]


def sentences_of(docstring: str) -> list[str]:
    """The sentences of plain English prose in a docstring: no code, no lists of parameters, no markup."""
    return [sentence for text in _paragraphs(docstring) for sentence in SENTENCE_END.split(text) if _is_prose(sentence)]


def _source_files() -> Iterator[Path]:
    # A virtual environment may borrow packages from others by a path file, so `sysconfig` does not know them all.
    folders = dict.fromkeys(Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))
    packages = sorted(p for folder in folders for p in folder.glob("*") if (p / "__init__.py").is_file())
    files = (sorted(p for p in package.rglob("*.py") if "test" not in p.as_posix()) for package in packages)
    return (path for turn in zip_longest(*files) for path in turn if path is not None)


def _docstrings(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return
    nodes: list[Documented] = [tree]
    while nodes:
        node = nodes.pop()
        yield ast.get_docstring(node) or ""
        nodes += [child for child in reversed(node.body) if isinstance(child, Documented)]


def _paragraphs(docstring: str) -> Iterator[str]:
    """Paragraphs at the left margin: what is indented is code, or explains a parameter."""
    for block in re.split(r"\n\s*\n", docstring):
        lines = block.splitlines()
        if not any(line[:1].isspace() or FIELD.match(line) for line in lines):
            yield MARKUP.sub(lambda match: next(filter(None, match.groups())), " ".join(lines))


def _is_prose(sentence: str) -> bool:
    letters = sum(character.isalpha() for character in sentence)
    return (
        len(sentence.split()) in WORDS
        and SENTENCE.fullmatch(sentence) is not None
        and NOT_PROSE.search(sentence) is None
        and letters >= LETTERS * len(sentence)
    )
