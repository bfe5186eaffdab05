"""Installs a plugin package as a user would, beside what is installed already, and runs what uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def install(source: Path, folder: Path) -> Path:
    """Let pip build a copy of a package and install it into `folder`, which it returns; no network is touched."""
    copy = folder.with_name(f"{folder.name}-source")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    command = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", folder, copy]
    done = run([sys.executable, "-m", *command])
    assert done.returncode == 0, done.stderr
    return folder


def run(command: list[str | Path], *sites: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that finds the packages installed in `sites`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sites)), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False, timeout=300)


def run_own_tests(source: Path, folder: Path) -> None:
    """Install a package into `folder` and run the tests that it brings, against what was installed."""
    site = install(source, folder)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", source, source / "tests"]
    done = run(pytest, site, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
