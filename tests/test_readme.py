"""What the README and the documentation show works: code runs, commands parse, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from twinnet.cli.main import build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
SHELL = ("", "bash", "sh", "console")


def blocks(page, languages):
    return [code for language, code in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands():
    for page in PAGES:
        code = "\n".join(blocks(page, SHELL)).replace("\\\n", " ")
        for line in re.findall(r"^(?:\$ )?((?:twinnet|make) [^|>\n]*)", code, re.MULTILINE):
            yield pytest.param(shlex.split(line, comments=True), id=f"{page.name}: {line.strip()}")


def test_the_code_of_the_readme_runs(minilm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in blocks(ROOT / "README.md", ("python",)):
        exec(compile(code, "README.md", "exec"), names)
    assert names["embeddings"].shape == (4, 384)


@pytest.mark.parametrize("words", commands())
def test_the_commands_of_the_pages_exist(words):
    program, *arguments = words
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(arguments) <= set(targets)
    else:
        build_parser(arguments).parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
