"""What inference holds besides its input and its output."""

import ctypes
import re
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sklearn_ae import Autoencoder

MIB = 2**20
STATUS = Path("/proc/self/status")
linux = pytest.mark.skipif(not STATUS.exists(), reason="reads the memory of a process on Linux")


def anonymous_peak(function):
    """Run a function; return its result and the most memory, files left out, that it added."""

    def held():
        return int(re.search(r"RssAnon:\s+(\d+)", STATUS.read_text()).group(1)) * 1024

    with suppress(OSError, AttributeError):  # what was freed before is not to be used again
        ctypes.CDLL(None).malloc_trim(0)
    before, most, done = held(), 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.002):
            most = max(most, held() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return function(), most
    finally:
        done.set()
        watcher.join()


@linux
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transform_of_a_memory_map_holds_a_block_beyond_its_output(dtype, tmp_path):
    shape = (400_000, 40)
    rows = np.memmap(tmp_path / "rows", dtype=dtype, mode="w+", shape=shape)
    rows[:] = np.random.default_rng(0).normal(size=shape)
    rows.flush()
    fitted = Autoencoder(2, max_iter=1, random_state=0).fit(rows[:500])
    fitted.transform(rows[:20_000])
    mapped = np.memmap(tmp_path / "rows", dtype=dtype, mode="r", shape=shape)
    codes, added = anonymous_peak(lambda: fitted.transform(mapped))
    assert codes.dtype == dtype
    assert added <= codes.nbytes + 48 * MIB
    assert mapped.nbytes > 60 * MIB
    scores, added = anonymous_peak(lambda: fitted.score_samples(mapped))
    assert added <= scores.nbytes + 56 * MIB


@linux
@pytest.mark.parametrize("learnable", [True, False])
def test_fit_holds_its_rows_once_more(learnable):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200_000, 40), dtype=np.float32)
    if learnable:  # or the start wins, and is solved again on all rows
        rows[:, 1:] = rows[:, :1] ** 2
    autoencoder = Autoencoder(
        2, hidden_layer_sizes=(8,), max_iter=1, batch_size=2000, random_state=0
    )
    autoencoder.fit(rows[:20_000])
    _, added = anonymous_peak(lambda: autoencoder.fit(rows))
    assert added < 1.2 * rows.nbytes + 20 * MIB
