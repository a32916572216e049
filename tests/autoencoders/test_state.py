"""Fitted state: arrays, small, the same after a round trip."""

from __future__ import annotations

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone

from sklearn_ae import (
    MMD,
    TRUSTED_TYPES,
    Autoencoder,
    BatchTopK,
    GaussianNoise,
    JumpReLU,
    VectorQuantized,
    VectorQuantizedAutoencoder,
)

ROUND_TRIPS = {
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "deepcopy": copy.deepcopy,
    "joblib": lambda e: _through_joblib(e),
    "skops": lambda e: _through_skops(e),
}


def _through_joblib(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def _through_skops(estimator):
    data = skops.io.dumps(estimator)
    return skops.io.loads(data, trusted=TRUSTED_TYPES)


@pytest.fixture
def fitted(cancer, device):
    return Autoencoder(
        3,
        hidden_layer_sizes=(32, 16),
        corruption=GaussianNoise(0.1),
        max_iter=4,
        device=device,
        random_state=0,
    ).fit(cancer)


def _weight_bytes(estimator) -> int:
    return sum(p.numel() * 4 for p in estimator.net_.module_.parameters())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_a_round_trip_keeps_every_answer(round_trip, dtype, fitted, cancer):
    loaded, rows = round_trip(fitted), cancer.astype(dtype)
    for method in ("transform", "reconstruct", "score_samples", "decision_function", "predict"):
        np.testing.assert_array_equal(getattr(loaded, method)(rows), getattr(fitted, method)(rows))
    assert loaded.history_.equals(fitted.history_)
    np.testing.assert_array_equal(loaded.get_feature_names_out(), fitted.get_feature_names_out())


@pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_partial_fit_goes_on_as_without_loading(round_trip, fitted, cancer):
    for rows in (cancer[:100], cancer[100:200]):
        loaded = round_trip(fitted)
        fitted.partial_fit(rows)
        loaded.partial_fit(rows)
        np.testing.assert_array_equal(loaded.transform(cancer), fitted.transform(cancer))


def test_a_refit_after_loading_equals_the_first_fit(fitted, cancer):
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.fit(cancer).transform(cancer), fitted.transform(cancer))


def test_a_clone_is_unfitted_and_fits_alike(fitted, cancer):
    copied = clone(fitted)
    assert not hasattr(copied, "net_")
    np.testing.assert_array_equal(copied.fit(cancer).transform(cancer), fitted.transform(cancer))


@pytest.mark.parametrize("max_iter", [0, 5, 60])
@pytest.mark.parametrize("sizes", [(8,), (128, 128)])
def test_size_is_bounded(cancer, max_iter, sizes):
    fitted = Autoencoder(3, hidden_layer_sizes=sizes, max_iter=max_iter, random_state=0)
    fitted.fit(np.tile(cancer[:120], (1, 2)))
    size = len(pickle.dumps(fitted))
    assert size <= 1.5 * _weight_bytes(fitted) + 20_000 + 100 * fitted.n_iter_
    fitted.partial_fit(np.tile(cancer[:50], (1, 2)))
    assert len(pickle.dumps(fitted)) <= 3.5 * _weight_bytes(fitted) + 20_000 + 100 * fitted.n_iter_


def test_no_training_row_is_kept(cancer):
    marked = cancer.copy()
    marked[::7] += np.arange(1, 31) * np.pi
    fitted = Autoencoder(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0).fit(marked)
    data = pickle.dumps(fitted)
    for row in marked:
        assert row.tobytes() not in data
        assert row.astype(np.float32).tobytes() not in data
        assert row[:2].tobytes() not in data


def test_weights_are_stored_as_float32(fitted):
    packed = fitted.__getstate__()["_network"]
    assert {w.dtype for w in packed["weights"]} == {np.dtype(np.float32)}
    assert packed["moments"] == []


@pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
@pytest.mark.parametrize(
    "latent",
    [BatchTopK(), JumpReLU(), MMD(), VectorQuantized(n_codewords=8)],
    ids=lambda latent: type(latent).__name__,
)
def test_what_a_latent_has_learned_is_part_of_the_state(latent, round_trip, iris):
    fitted = Autoencoder(3, latent=latent, hidden_layer_sizes=(8,), max_iter=3, random_state=0)
    fitted.set_params(early_stopping=False).fit(iris)
    loaded = round_trip(fitted)
    learned, expected = (e.net_.module_.latent.state_dict() for e in (loaded, fitted))
    assert learned.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(learned[name], value)
    np.testing.assert_array_equal(loaded.transform(iris), fitted.transform(iris))
    drawn = [clone(fitted).set_params(random_state=seed).fit(iris) for seed in (0, 1)]
    np.testing.assert_array_equal(drawn[0].transform(iris), fitted.transform(iris))
    assert (drawn[1].transform(iris) != fitted.transform(iris)).any()


def test_words_of_the_state_are_no_training_rows(cancer):
    fitted = VectorQuantizedAutoencoder(4, max_iter=2, random_state=0).fit(cancer)
    arrays = pickle.loads(pickle.dumps(fitted.__getstate__()))["_network"]["weights"]
    assert max(len(a) for a in arrays if a.ndim) < len(cancer)
