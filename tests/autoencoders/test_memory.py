"""What a fit and inference hold besides their input and output.

Each is measured in a process of its own, whose heap no other test has left holes in.
"""

import gc
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from sklearn_ae import Autoencoder
from sklearn_ae.data import Batch
from sklearn_ae.training._run import TrainingRun

MIB = 2**20
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.cpu_only(
    reason="a process that computes on another device holds that device's libraries and buffers"
)
linux = pytest.mark.skipif(not STATUS.exists(), reason="reads the memory of a process on Linux")


def anonymous_peak(function):
    """The most memory, files left out, that running a function adds to the process."""

    def held():
        return int(re.search(r"RssAnon:\s+(\d+)", STATUS.read_text()).group(1)) * 1024

    before, most, done = held(), 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.002):
            most = max(most, held() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        function()
    finally:
        done.set()
        watcher.join()
    return most


def of_inference(path, dtype):
    rows = np.memmap(path, dtype=dtype, mode="r").reshape(-1, 40)
    fitted = Autoencoder(2, hidden_layer_sizes=(64,), max_iter=1, random_state=0).fit(rows[:500])
    fitted.transform(rows[:20_000])
    yield anonymous_peak(lambda: fitted.transform(rows))
    yield anonymous_peak(lambda: fitted.score_samples(rows))


def of_fit():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200_000, 40), dtype=np.float32)
    autoencoder = Autoencoder(
        2, hidden_layer_sizes=(8,), max_iter=1, batch_size=2000, random_state=0
    )
    autoencoder.fit(rows[:20_000])
    yield rows.nbytes
    yield anonymous_peak(lambda: autoencoder.fit(rows))  # the start wins: solved on all rows
    rows[:, 1:] = rows[:, :1] ** 2
    yield anonymous_peak(lambda: autoencoder.fit(rows))


def measured(name, *arguments):
    command = [sys.executable, __file__, name, *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [int(word) for word in printed.split()]


@linux
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inference_of_a_memory_map_holds_a_block_beyond_its_output(dtype, tmp_path):
    n_rows = 200_000 if dtype == "float64" else 400_000
    values = np.random.default_rng(0).normal(size=(n_rows, 40)).astype(dtype)
    values.tofile(tmp_path / "rows")
    assert values.nbytes > 60 * MIB
    of_transform, of_scores = measured("of_inference", tmp_path / "rows", dtype)
    assert of_transform <= 2 * n_rows * values.itemsize + 48 * MIB
    assert of_scores <= 8 * n_rows + 56 * MIB


@linux
def test_fit_holds_its_rows_once_more():
    of_rows, unlearnable, learnable = measured("of_fit")
    assert unlearnable < 1.2 * of_rows + 20 * MIB
    assert learnable < 1.2 * of_rows + 20 * MIB


def training_objects():
    return sum(type(o) in (Batch, TrainingRun) for o in gc.get_objects())


def test_what_training_held_is_released_by_the_end_of_fit():
    rows = np.random.default_rng(0).normal(size=(60, 4))
    gc.collect()
    before = training_objects()
    gc.disable()  # so that a cycle of references would keep them
    try:
        Autoencoder(2, max_iter=2, random_state=0).fit(rows)
        assert training_objects() == before
    finally:
        gc.enable()


if __name__ == "__main__":
    print(*globals()[sys.argv[1]](*sys.argv[2:]))
