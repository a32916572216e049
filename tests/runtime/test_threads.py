"""Torch threads: no more than the caller allows, and one in a forked child."""

import os
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

from sklearn_ae import DenoisingAutoencoder
from sklearn_ae.runtime import _threads, thread_count, torch_threads

WIDE = 2**40
BLAS_LIMITS = _threads._blas_limits  # which `allow` replaces
X = np.random.default_rng(0).normal(size=(600, 300)).astype(np.float32)
OPTIONS = {
    "hidden_layer_sizes": (1024,),
    "init": "random",
    "max_iter": 1,
    "batch_size": 600,
    "early_stopping": False,
    "device": "cpu",
    "random_state": 0,
}


def test_wide_batches_take_up_to_four_threads(allow):
    for threads, expected in ((1, 1), (3, 3), (4, 4), (12, 4)):
        allow(threads)
        assert thread_count(WIDE) == expected


def test_small_batches_ask_for_nothing(monkeypatch):
    monkeypatch.setattr(_threads, "threads_allowed", None)
    assert thread_count(1000) == 1


@pytest.mark.parametrize("name", ["torch", "joblib", "cores", "env"])
def test_each_limit_holds(name, allow, monkeypatch):
    allow(4)
    if name == "torch":
        torch.set_num_threads(2)
    elif name == "joblib":
        monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    elif name == "cores":
        cores = "process_cpu_count" if hasattr(os, "process_cpu_count") else "cpu_count"
        monkeypatch.setattr(os, cores, lambda: 2)
    elif name == "env":
        monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert thread_count(WIDE) == 2


@pytest.mark.parametrize("api", [None, "openmp"])
def test_limits_of_threadpoolctl_hold(api, allow):
    allow(4)
    with threadpool_limits(2, user_api=api):
        assert thread_count(WIDE) == 2
    assert thread_count(WIDE) == 4


def test_the_limit_of_blas_libraries_holds(allow, monkeypatch):
    allow(4)
    monkeypatch.setattr(_threads, "_blas_limits", BLAS_LIMITS)
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            assert thread_count(WIDE) == threads


def test_workers_of_joblib_hold_their_limit():
    with parallel_config("loky", inner_max_num_threads=1):
        assert Parallel(n_jobs=2)(delayed(thread_count)(WIDE) for _ in range(2)) == [1, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fit_and_a_call_use_no_more_threads_than_allowed(threads, allow, monkeypatch):
    seen = {"set": [], "fit": [], "call": []}
    allow(threads)
    set_number = torch.set_num_threads
    monkeypatch.setattr(
        torch, "set_num_threads", lambda count: seen["set"].append(count) or set_number(count)
    )

    def corruption(rows, rng):
        seen["fit"].append(torch.get_num_threads())
        return rows

    fitted = DenoisingAutoencoder(16, corruption=corruption, **OPTIONS).fit(X)
    for module in fitted._model.module.modules():
        module.register_forward_hook(lambda *args: seen["call"].append(torch.get_num_threads()))
    fitted.transform(X)
    assert max(seen["fit"]) == max(seen["call"]) == threads
    assert max(seen["set"], default=1) <= threads
    assert torch.get_num_threads() == threads


def test_inside_a_small_batch_a_wide_one_takes_what_the_caller_allows(allow):
    allow(3)
    with torch_threads(1):
        assert thread_count(WIDE) == 3
        with torch_threads(2):
            assert thread_count(WIDE) == 3
        with threadpool_limits(2):  # by a callback, say
            assert thread_count(WIDE) == 2
    assert torch.get_num_threads() == 3


def test_a_thread_that_starts_during_a_small_fit_takes_what_the_caller_allows(allow):
    allow(3)
    seen = []

    def run():
        seen.append(torch.get_num_threads())
        seen.append(thread_count(WIDE))
        with torch_threads(2):
            seen.append(thread_count(WIDE))
        seen.append(thread_count(WIDE))

    with torch_threads(1):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert seen == [1, 3, 3, 3]  # torch gives it the number of the small fit


def test_a_thread_keeps_its_own_limit(allow):
    allow(3)
    seen = []

    def run():
        torch.set_num_threads(2)
        seen.append(thread_count(WIDE))

    with torch_threads(1):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert seen == [2]


FORKING = """
import os, sys, threading, time
import joblib, numpy as np, torch
os.cpu_count = os.process_cpu_count = joblib.cpu_count = lambda: 2
from sklearn_ae import Autoencoder
from sklearn_ae.runtime import _threads
from sklearn_ae.training.steps import _graphs
_threads._blas_limits = lambda: [2]
torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(600, 300)).astype("float32")
fitted = Autoencoder(
    16, hidden_layer_sizes=(1024,), init="random", max_iter=1, batch_size=600,
    early_stopping=False, device="cpu", random_state=0,
).fit(X)
fitted.transform(X)
assert _threads.thread_count(2**40) == 2
holding = threading.Event()
def hold():
    with _graphs._RECORDING, _graphs._UNCOLLECTED:
        holding.set()
        time.sleep(60)
threading.Thread(target=hold, daemon=True).start()
holding.wait()
child = os.fork()
if not child:
    try:
        assert _threads.thread_count(2**40) == 1
        assert _graphs.gc.isenabled()
        with _graphs._RECORDING:  # another thread of the parent has it
            fitted.transform(X.astype(float))
        fitted.fit(X).transform(X)
        fitted.partial_fit(X)
        os._exit(0)
    finally:
        os._exit(1)
for _ in range(600):
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(status and "the child failed")
    time.sleep(0.1)
os.kill(child, 9)
sys.exit("the child hangs")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("limit", [{}, {"OMP_NUM_THREADS": "2"}], ids=str)
def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have(limit):
    """OpenMP's are not forked, and 60 seconds are enough for a fit that takes one."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | limit
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
