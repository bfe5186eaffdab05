"""How long it takes until there is something to work with, each time in a new process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from twinnet.bench.contest import Contest, hold
from twinnet.errors import TwinnetError

SBERT = "sentence_transformers"


def startup(folder: Path, rounds: int, peers: bool) -> list[Contest]:
    """Import, help, and a loaded text network; files are in the system's cache after the untimed first time.

    Args:
        folder: A text network, as sentence-transformers and twinnet read it.
        rounds: How many turns each has.
        peers: Whether sentence-transformers takes part.

    Raises:
        TwinnetError: If one of the programs fails.
    """
    alone = {"python alone": python("pass")}
    theirs = {
        "import": {SBERT: python(f"import {SBERT}")},
        "load": {SBERT: python(f"import {SBERT}; {SBERT}.SentenceTransformer({str(folder)!r}, device='cpu')")},
    }
    works = {
        "import": {"import twinnet": python("import twinnet")},
        "help": {"twinnet --help": python("from twinnet.cli.main import main; main(['--help'])")},
        "load": {"twinnet.load": python(f"import twinnet; twinnet.load({str(folder)!r})")},
    }
    contests = []
    for name, ours in works.items():
        others = alone | (theirs.get(name, {}) if peers else {})
        for once in (ours | others).values():
            once()
        contests.append(hold(name, ours, others, rounds=rounds, unit="start"))
    return contests


def python(program: str) -> Callable[[], None]:
    """A function that runs a program in a Python of its own."""

    def run() -> None:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise TwinnetError(f"python -c {program!r} failed: {done.stderr.strip().splitlines()[-1]}")

    return run
