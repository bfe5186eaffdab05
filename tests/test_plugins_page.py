"""The page about plugins, followed from its empty folder to the end."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.plugin_packages import install, run, twinnet
from twinnet.cli.new_plugin.package import PARTS, TEMPLATES

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
PROGRAM = re.findall(r"^```py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[-1]


def test_the_files_of_the_page_make_a_package_whose_parts_are_listed_and_work(tmp_path):
    package = tmp_path / "twinnet-toy"
    (package / "twinnet_toy").mkdir(parents=True)
    for name, content in FILES.items():
        (package / name).write_text(content)
    site = install(tmp_path / "site", package)
    listed = json.loads(twinnet(site, "plugins", "--json").stdout)
    assert not listed["problems"]
    parts = {plugin["kind"]: plugin["name"] for plugin in listed["plugins"] if plugin["origin"] == "twinnet-toy 0.1.0"}
    expected = {"backbone": "colour-grid", "head": "signed-power", "distance": "chebyshev", "loss": "two-margins"}
    assert parts == expected | {"index": "tree"}
    done = run([sys.executable, "-c", PROGRAM], site, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "(2, 8)" in done.stdout


@pytest.mark.parametrize("kind", PARTS)
def test_each_part_has_less_than_30_lines_and_is_what_new_plugin_writes(kind):
    code = FILES[f"twinnet_toy/{kind}.py"]
    assert code.count("\n") < 30
    assert code == (TEMPLATES / f"{kind}.py").read_text(encoding="utf-8")
