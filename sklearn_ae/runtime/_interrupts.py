"""Ctrl-C, between the operations that torch does not survive half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the block.

    An interrupt inside of `torch.func.vmap`, of a recording or of an import leaves the process
    with half of it, and whatever comes later fails.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # only the main thread is interrupted
        return
    held: list[Any] = []
    signal.signal(signal.SIGINT, lambda *of_signal: held.append(of_signal))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            before(*held[0])
