"""Every package under examples/plugins passes its own tests once it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin_packages import install, run_own_tests

PACKAGES = sorted(path.parent for path in (Path(__file__).parents[1] / "examples" / "plugins").glob("*/pyproject.toml"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_passes_its_own_tests(package, tmp_path):
    run_own_tests(install(tmp_path / "site", package), package)
