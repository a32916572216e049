"""Fixtures and options of the whole suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

# Before scikit-learn is imported: without it the array-API checks are skipped in silence.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from threadpoolctl import threadpool_limits

# The workers share the cores: a second thread of a small step waits longer than it computes.
torch.set_num_threads(1)
threadpool_limits(1)
# scikit-learn's checks of arrays ask whether torch is built for CUDA, not whether it has a device.
torch.backends.cuda.is_built = torch.cuda.is_available


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole suite run on a GPU."""
    parser.addoption("--device", default="cpu", help="device of every fit in the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks."""
    config.addinivalue_line(
        "markers", "cpu_only(reason): has no meaning where `--device` is another one"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is about the CPU alone."""
    mark = item.get_closest_marker("cpu_only")
    if mark is not None and item.config.getoption("--device") != "cpu":
        pytest.skip(mark.kwargs["reason"])


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """The device that fits run on."""
    return request.config.getoption("--device")


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let torch use so many threads, on any machine, until the test ends."""
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 64)
    for name in ("process_cpu_count", "cpu_count"):
        monkeypatch.setattr(os, name, lambda: 64, raising=False)

    def allowed(threads: int) -> None:
        torch.set_num_threads(threads)
        monkeypatch.setattr("sklearn_ae.runtime._threads._blas_limits", lambda: [threads])

    yield allowed
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def iris() -> np.ndarray:
    """150 rows, 4 columns."""
    return load_iris().data


@pytest.fixture(scope="session")
def cancer() -> np.ndarray:
    """569 rows, 30 columns of very different scales."""
    return load_breast_cancer().data


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """1,797 rows, 64 columns, three of them constant."""
    return load_digits().data


@pytest.fixture
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge small data on two folds: enough where a test is not about what they prefer."""
    monkeypatch.setattr("sklearn_ae.training._fit._FOLDS", 2)
