"""Work that is done one step ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def one_ahead(function: Callable[[Argument], Result], arguments: Iterable[Argument], thread: str) -> Iterator[Result]:
    """The results in order, each computed in a thread while the one before it is used.

    Args:
        function: What computes them.
        arguments: What it is called with, one at a time.
        thread: The name of the thread.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix=thread)
    waiting: deque[Future[Result]] = deque()
    try:
        for argument in arguments:
            waiting.append(pool.submit(function, argument))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
