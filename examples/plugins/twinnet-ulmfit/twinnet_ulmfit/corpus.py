"""The sentences that a language model learns from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from twinnet.data.tables import read_table

NO_TEXT = ("label", "score")


def read_sentences(paths: Iterable[str | Path]) -> list[str]:
    """The sentences of text files (one a line) and of tables (all columns but "label" and "score").

    Raises:
        TwinnetError: If a file cannot be read.
    """
    tables = [read_table(path) for path in paths]
    return [text for table in tables for name in table.columns if name not in NO_TEXT for text in table.texts(name)]


def different(sentences: Iterable[str], without: Iterable[str] = ()) -> list[str]:
    """Each sentence once, and none that is in `without`; case, spaces and punctuation make no difference."""
    seen = {_words(sentence) for sentence in without} | {()}
    kept = []
    for sentence in sentences:
        words = _words(sentence)
        if words not in seen:
            seen.add(words)
            kept.append(sentence)
    return kept


def split(sentences: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Draw a share of the sentences, at least one; the others come first."""
    order = np.random.default_rng(seed).permutation(len(sentences))
    drawn = max(1, round(len(sentences) * share))
    return [sentences[i] for i in order[drawn:]], [sentences[i] for i in order[:drawn]]


def _words(sentence: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", sentence.lower()))
