from __future__ import annotations

import platform
import resource

import pytest
import torch

from twinnet.acceleration.memory import reusing_memory


def faults(times):
    """How many pages were cleared anew while a large tensor came and went some times."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(1 << 24)  # 64 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_large_tensors_come_back_without_new_pages():
    cleared_each_time = faults(5)
    with reusing_memory():
        faults(1)
        cleared_inside = faults(5)
    assert cleared_inside < cleared_each_time / 5


def test_it_ends_with_an_error_inside():
    with pytest.raises(ValueError, match="inside"), reusing_memory():
        raise ValueError("inside")


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with reusing_memory():
        assert torch.ones(3).sum() == 3
