"""Freed memory that is used again at once."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# The parameters of glibc's mallopt, the largest value that it takes, and what freed memory may reach by default.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST = 2**31 - 1
DEFAULTS = {MMAP_THRESHOLD: 1 << 25, TRIM_THRESHOLD: 1 << 26}


@contextmanager
def reusing_memory() -> Iterator[None]:
    """Keep freed memory in the process, and give it back at the end.

    glibc gives large tensors back to the system when they are freed, and the next one of that size is cleared anew,
    page by page. Where the same sizes come again and again, as in training, that takes as long as a pass over them for
    each. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    for parameter in DEFAULTS:
        libc.mallopt(parameter, LARGEST)
    try:
        yield
    finally:
        for parameter, value in DEFAULTS.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)
