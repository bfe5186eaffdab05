from __future__ import annotations

import os
from contextlib import ExitStack

from twinnet.video.quiet import quiet


def test_standard_error_comes_back_when_the_last_is_done(capfd):
    first, second = ExitStack(), ExitStack()
    first.enter_context(quiet())
    os.write(2, b"one ")
    second.enter_context(quiet())
    first.close()
    os.write(2, b"two ")
    second.close()
    os.write(2, b"three")
    assert capfd.readouterr().err == "three"
