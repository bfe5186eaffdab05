"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import twinnet

HEAVY = {"torch", "numpy", "transformers", "timm", "torchvision", "sklearn", "scipy", "pyarrow", "matplotlib", "cv2"}


def imported_by(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"], capture_output=True,
                          text=True, check=True)  # fmt: skip
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "program",
    [
        "import twinnet; dir(twinnet)",
        "from twinnet.cli.main import build_parser; build_parser().format_help()",
        "import twinnet.registry; [registry.entries() for registry in twinnet.registry.ALL]",
    ],
)
def test_nothing_heavy_comes_along(program):
    assert not imported_by(program) & HEAVY


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_after_an_import_as_before(collects):
    program = f"import gc, twinnet; {'gc.enable' if collects else 'gc.disable'}(); twinnet.load; print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(collects)]


def test_every_public_name_is_there():
    for name in twinnet.__all__:
        assert getattr(twinnet, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        twinnet.lod  # noqa: B018
