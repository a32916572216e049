"""Threads, cores and memory of a process."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROCESS = Path("/proc/self")


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that is to use so many threads.

    Parameters
    ----------
    threads : int
        How many; they are read when numpy, torch and jax are first imported.

    Returns
    -------
    environment : dict
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    flags = f"--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads={threads}"
    own = dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    return {**os.environ, **own}


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep the process on as many cores as it has threads, where the platform can.

    Parameters
    ----------
    threads : int
        How many.

    Yields
    ------
    None
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def trim() -> None:
    """Hand freed memory back to the system, where the C library can."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def held() -> float | None:
    """Return the memory of the process in MiB, None where it cannot be read."""
    return _status("VmRSS")


def anonymous() -> float | None:
    """Return the memory that is no file's in MiB, None where it cannot be read."""
    return _status("RssAnon")


def peak() -> float | None:
    """Return the most memory since `forget_peak` in MiB, None where it cannot be read."""
    return _status("VmHWM")


def forget_peak() -> bool:
    """Let the peak of the process start anew, and return whether that was possible."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def describe() -> dict[str, str | int | None]:
    """Return the columns of a row that name the machine."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}",
        "cpus": os.cpu_count(),
    }


def _status(name: str) -> float | None:
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(name + ":")]
    return int(found[0][1]) / 1024 if found else None
