"""Thread counts: by shapes, and never more than the caller allows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import joblib
import torch
from threadpoolctl import ThreadpoolController

# Multiplications in one batch below which a second thread costs more than it gives.
_WIDE = 2**27
_MOST = 4


class _Own(threading.local):
    """What we know of the calling thread's number of torch threads."""

    # Inside `torch_threads`: what was set there, and what had been outside.
    inside: tuple[int, int] | None = None
    # A number that came from another thread's `torch_threads`, and what had been there before.
    inherited: tuple[int, int] | None = None
    known = False


_forked = False
_own = _Own()
# Of each thread inside `torch_threads`, what it set, and what had been outside.
_set: dict[int, tuple[int, int]] = {}


def thread_count(work: int) -> int:
    """Return the number of threads for a batch of the given number of multiplications.

    Small layers take one, so that their results are equal bit for bit whatever is allowed.
    Wide ones take as many as `threads_allowed`, up to four.
    """
    return 1 if work < _WIDE else min(_MOST, threads_allowed())


def threads_allowed() -> int:
    """Return how many threads the caller lets torch use.

    That is the least of the calling thread's own number of torch threads, which
    threadpoolctl limits too, of the numbers of BLAS libraries, of ``OMP_NUM_THREADS``, which
    joblib sets in its workers, and of the cores that the process may use. A forked child has
    one.
    """
    if _forked:
        return 1
    # Python 3.13 lets -X cpu_count lower the number of cores.
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    limits = [_torchs_number(), joblib.cpu_count(), cores, *_blas_limits()]
    # The environment may have changed since OpenMP read it, and may hold a number a level.
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdecimal():
        limits.append(int(first))
    return max(1, min(limits))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set the calling thread's torch thread count, and restore it."""
    number, before = torch.get_num_threads(), _own.inside
    outside = _torchs_number()
    if number == count:
        yield
        return
    thread = threading.get_ident()
    _own.inside = _set[thread] = count, outside
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(number)
        _own.inside = before
        if before is None:
            _set.pop(thread, None)
        else:
            _set[thread] = before


def _torchs_number() -> int:
    """Return the calling thread's number of torch threads as its owner set it."""
    number = torch.get_num_threads()
    if not _own.known:
        _own.known = True
        # torch gives a new thread the number that any other thread set last.
        _own.inherited = next((pair for pair in _set.copy().values() if pair[0] == number), None)
    for pair in (_own.inside, _own.inherited):
        if pair is not None and pair[0] == number:
            return pair[1]
    return number


def _blas_limits() -> list[int]:
    """Numbers of threads of the BLAS libraries besides torch's."""
    # MKL has the number of the calling thread's torch.
    found = _blas().info()
    return [library["num_threads"] for library in found if library["internal_api"] != "mkl"]


@cache
def _blas() -> ThreadpoolController:
    """Find the libraries, which takes a millisecond, once."""
    return ThreadpoolController().select(user_api="blas")


def _after_fork() -> None:
    """Let a child do with one thread.

    The threads of OpenMP are not forked: a child whose parent had several waits for them for
    ever, in the first operation on many numbers, a copy of weights included.
    """
    global _forked
    _forked = True
    _set.clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_after_fork)
