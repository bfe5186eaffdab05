from __future__ import annotations

import sys
from pathlib import Path

from twinnet.packages import package_folder


def test_a_package_is_found_and_not_imported(tmp_path, monkeypatch):
    (tmp_path / "with_weights").mkdir()
    (tmp_path / "with_weights" / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_folder("with_weights") == Path(tmp_path / "with_weights")
    assert "with_weights" not in sys.modules


def test_what_is_no_package_has_no_folder(tmp_path, monkeypatch):
    (tmp_path / "single_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_folder("single_module") is None
    assert package_folder("no_such_package_at_all") is None
