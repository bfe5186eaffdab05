from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from twinnet.cli.main import main

LINES = [
    "the cat sits on the mat",
    "a dog runs in the park",
    "The cat sits, on the mat!",
    "it is red",
    "a small dog runs",
]


@pytest.fixture
def model(make_text_network, tmp_path):
    """The folder of a small random text network."""
    return str(make_text_network().save(tmp_path / "model"))


@pytest.fixture
def write(tmp_path):
    """Writes a file from lines, whose commas become tabs in a .tsv, and gives its path."""

    def write(name, *lines):
        path = tmp_path / name
        text = "".join(line + "\n" for line in lines)
        path.write_text(text.replace(",", "\t") if path.suffix == ".tsv" else text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def corpus(write):
    return write("corpus.txt", *LINES)


@pytest.fixture
def coloured_people():
    """Writes a folder of four pictures for each of eight people, each with a colour of its own and some noise."""

    def write(folder, noise=20, side=16, seed=0):
        rng = np.random.default_rng(seed)
        for person in range(8):
            (folder / f"person{person}").mkdir(parents=True)
            colour = np.random.default_rng(person).integers(0, 256, size=3)
            for number in range(4):
                pixels = colour + rng.integers(-noise, noise, size=(side, side, 3))
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"person{person}" / f"{number}.png")

    return write


@pytest.fixture
def run(capsys):
    """Runs a command that must succeed, and gives the JSON object that it prints."""

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)

    return run


@pytest.fixture
def lines(capsys):
    """Runs a command that must succeed, and gives the lines that it prints for people."""

    def lines(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        assert code == 0, err
        return out.splitlines()

    return lines


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail on its input, and gives the one line of the message."""

    def refused(*arguments):
        capsys.readouterr()
        assert main([*map(str, arguments)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("twinnet: error: ")
        assert err.count("\n") == 1
        return err

    return refused
