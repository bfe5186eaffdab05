from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin_packages import install, place, run_own_tests
from twinnet.cli.main import main
from twinnet.cli.new_plugin.package import PARTS


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_packages_pass_their_own_tests_and_ruff_as_they_are(tmp_path, capsys):
    for kind in PARTS:
        assert main(["new-plugin", f"twinnet-new-{kind}", "--kind", kind]) == 0
    packages = [tmp_path / f"twinnet-new-{kind}" for kind in PARTS]
    for command in (["check", "--extend-select", "I,B,UP"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", *packages]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    site = install(tmp_path / "site", packages[0])
    for package in packages[1:]:
        place(site, package)
    printed = run_own_tests(site, *packages)
    assert "skipped" not in printed


def test_the_result_as_json(run, tmp_path):
    result = run("new-plugin", "twinnet-toy", "--kind", "loss")
    assert (result["folder"], result["kind"], result["part"]) == ("twinnet-toy", "loss", "toy")
    there = sorted(path.as_posix() for path in Path("twinnet-toy").rglob("*") if path.is_file())
    assert sorted(result["files"]) == there
    assert 'toy = "twinnet_toy.loss:TwoMargins"' in Path("twinnet-toy/pyproject.toml").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["twinnet-toy"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "cannot name a package"),
        ("Toy", "cannot name a package"),
        ("../toy", "cannot name a package"),
        ("toy_box", "cannot name a package"),
        ("9lives", "cannot name a package"),
        ("a" * 65, "cannot name a package"),
        ("toy-", "cannot name a package"),
        ("toy\n", "cannot name a package"),
        ("lambda", "has a meaning of its own"),
        ("tests", "has a meaning of its own"),
        ("numpy", "'numpy' is installed already"),
        ("json", "'json' is installed already"),
        ("twinnet", "'twinnet' is installed already"),
        ("twinnet-timm", "twinnet 0.1.0 has a backbone 'timm' already"),
    ],
)
def test_a_bad_name_is_one_clear_error(name, message, tmp_path, capsys):
    assert main(["new-plugin", name]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("twinnet: error: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_there_is_left_alone(make, tmp_path, capsys):
    make(Path("twinnet-toy"))
    assert main(["new-plugin", "twinnet-toy"]) == 2
    assert "twinnet-toy exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["twinnet-toy"]
