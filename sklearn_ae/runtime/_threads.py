"""Thread counts that follow from shapes alone, so that results do not depend on the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import torch

# Multiplications in one batch below which a second thread costs more than it gives.
_WIDE = 2**27


def thread_count(work: int) -> int:
    """Return the number of threads for a batch of the given number of multiplications.

    Wide layers take as many as the process may use cores, up to four, whatever torch's own
    number is: layers differ in bits between numbers of threads.
    """
    return 1 if work < _WIDE else min(4, joblib.cpu_count())


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set the calling thread's torch thread count, and restore it."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
