"""Installs plugin packages as a user would, beside what is installed already, and runs what uses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path


def install(site: Path, *sources: Path) -> Path:
    """Let pip build copies of packages and install them into the folder `site`; no network is touched."""
    copies = site.with_name(f"{site.name}-sources")
    for source in sources:
        left = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(source, copies / source.name, ignore=left)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", site]
    done = run([sys.executable, "-m", "pip", "install", *options, *copies.iterdir()])
    assert done.returncode == 0, done.stderr
    return site


def place(site: Path, source: Path) -> None:
    """Put a package into `site` as pip leaves it there, in a fraction of the time."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    module = project["name"].replace("-", "_")
    shutil.copytree(source / module, site / module)
    metadata = site / f"{module}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


def run(
    command: list[str | Path], site: Path | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that finds the packages in `site`."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(site)} if site else {})
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False, timeout=300)


def twinnet(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command `twinnet`."""
    return run([sys.executable, "-m", "twinnet", *arguments], site, cwd)


def run_own_tests(site: Path, *sources: Path) -> str:
    """Run the tests that packages bring, against what of them is in `site`; what pytest printed."""
    tests = [source / "tests" for source in sources]
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", sources[0].parent]
    done = run([sys.executable, "-m", "pytest", *options, *tests], site, cwd=site)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
