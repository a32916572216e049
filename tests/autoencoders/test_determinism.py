"""Equal seeds give equal bits, whoever else computes at the time.

Those of wide networks may depend on how many threads the caller allows, of small ones on nothing.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_ae import (
    Autoencoder,
    Dense,
    Deterministic,
    Gaussian,
    GaussianLikelihood,
    GaussianNoise,
    SquaredError,
    VectorQuantizedAutoencoder,
)
from sklearn_ae.data import Rows
from sklearn_ae.metrics import reconstruction_r2
from sklearn_ae.training import ModelSpec, TrainingConfig, training_threads


def _estimator(seed: int, device: str) -> Autoencoder:
    return Autoencoder(
        n_components=3,
        hidden_layer_sizes=(32, 16),
        corruption=GaussianNoise(0.1),
        dropout=0.1,
        early_stopping=False,
        max_iter=4,
        device=device,
        random_state=seed,
    )


def _code(seed: int, device: str, X: np.ndarray) -> np.ndarray:
    return _estimator(seed, device).fit(X).transform(X)


@pytest.fixture(scope="module")
def in_sequence(cancer, device) -> list[np.ndarray]:
    return [_code(seed, device, cancer) for seed in range(4)]


def test_two_fits_are_equal(cancer, device, in_sequence):
    np.testing.assert_array_equal(_code(0, device, cancer), in_sequence[0])


def test_seeds_differ(in_sequence):
    assert np.abs(in_sequence[0] - in_sequence[1]).max() > 1e-6


def test_four_threads_equal_the_sequence(cancer, device, in_sequence):
    with ThreadPoolExecutor(4) as pool:
        codes = pool.map(lambda seed: _code(seed, device, cancer), range(4))
        for code, expected in zip(codes, in_sequence, strict=True):
            np.testing.assert_array_equal(code, expected)


def test_processes_equal_the_sequence(cancer, device, in_sequence):
    codes = Parallel(n_jobs=2)(delayed(_code)(seed, device, cancer) for seed in range(4))
    for code, expected in zip(codes, in_sequence, strict=True):
        np.testing.assert_array_equal(code, expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_small_networks_are_equal_whatever_is_allowed(cancer, device, in_sequence, threads, allow):
    allow(threads)
    np.testing.assert_array_equal(_code(0, device, cancer), in_sequence[0])
    assert torch.get_num_threads() == threads


def _wide_codes(X: np.ndarray) -> np.ndarray:
    wide = Autoencoder(
        16,
        hidden_layer_sizes=(1024,),
        init="random",
        max_iter=1,
        batch_size=150,
        early_stopping=False,
        device="cpu",
        random_state=0,
    )
    return wide.fit(X).transform(X)


def test_wide_networks_are_equal_where_the_same_is_allowed_and_close_otherwise(allow):
    X = np.random.default_rng(0).normal(size=(150, 700)).astype(np.float32)
    codes = {}
    for threads in (1, 2):
        allow(threads)
        codes[threads] = _wide_codes(X)
        np.testing.assert_array_equal(_wide_codes(X), codes[threads])
        assert torch.get_num_threads() == threads
    # Several threads split a sum, which rounds otherwise.
    np.testing.assert_allclose(codes[2], codes[1], atol=1e-3 * codes[1].std())


def test_global_generators_and_threads_are_left_alone(cancer, device):
    before = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002
    threads = torch.get_num_threads()
    for estimator in (_estimator(0, device), _estimator(0, device).set_params(random_state=None)):
        estimator.fit(cancer).partial_fit(cancer)
        estimator.score_samples(cancer)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    assert random.getstate() == before[2]
    assert torch.get_num_threads() == threads


def test_a_random_state_instance_advances(iris):
    state = np.random.RandomState(0)
    first, second = (Autoencoder(2, max_iter=2, random_state=state).fit(iris) for _ in range(2))
    again = Autoencoder(2, max_iter=2, random_state=np.random.RandomState(0))
    assert first._entropy != second._entropy
    np.testing.assert_array_equal(again.fit(iris).transform(iris), first.transform(iris))


def test_grid_search_is_the_same_in_two_processes(cancer, device):
    search = GridSearchCV(
        _estimator(0, device),
        {"n_components": [2, 3], "corruption__scale": [0.0, 0.1]},
        scoring=reconstruction_r2,
        cv=2,
    )
    one, two = (clone(search).set_params(n_jobs=n).fit(cancer) for n in (1, 2))
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(one.transform(cancer), two.transform(cancer))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree(cancer):
    plain = Autoencoder(n_components=3, hidden_layer_sizes=(32,), max_iter=4, random_state=0)
    cpu, gpu = (clone(plain).set_params(device=d).fit(cancer) for d in ("cpu", "cuda"))
    np.testing.assert_allclose(gpu.score(cancer), cpu.score(cancer), rtol=1e-3)


def test_threads_of_training_count_all_that_a_latent_and_a_loss_ask_for(allow):
    allow(4)
    rows = Rows(np.zeros((4096, 512)))
    config = TrainingConfig(n_components=64, batch_size=1024)
    threads = {
        latent: training_threads(
            ModelSpec(Dense(hidden_layer_sizes=()), latent, None, (), loss, None), config, rows
        )
        for latent, loss in ((Deterministic(), SquaredError()), (Gaussian(), GaussianLikelihood()))
    }
    assert list(threads.values()) == [1, 4]


def test_words_are_equal_in_threads_and_in_sequence(cancer):
    def words(seed):
        fitted = VectorQuantizedAutoencoder(
            4, hidden_layer_sizes=(16,), early_stopping=False, max_iter=4, random_state=seed
        ).fit(cancer)
        return fitted.codebook_

    expected = [words(seed) for seed in range(3)]
    assert (expected[0] != expected[1]).any()
    with ThreadPoolExecutor(3) as pool:
        for found, alone in zip(pool.map(words, range(3)), expected, strict=True):
            np.testing.assert_array_equal(found, alone)
