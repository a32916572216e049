"""Fits and saved states do not depend on torch's default dtype and device."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_ae import (
    Autoencoder,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    Convolutional,
    Recurrent,
    SparseAutoencoder,
    StackedAutoencoder,
    SuperResolver,
)

X = np.random.default_rng(0).normal(size=(40, 4))
IMAGES = np.random.default_rng(0).random((20, 8, 8))
SHORT = {"max_iter": 1, "random_state": 0}
CASES = [
    (Autoencoder(2, **SHORT), X),
    (SparseAutoencoder(2, **SHORT), X),
    (StackedAutoencoder(**SHORT), X),
    (Autoencoder(2, architecture=Convolutional(), **SHORT), IMAGES),
    (Autoencoder(2, architecture=Recurrent(), **SHORT), IMAGES),
    (AutoencoderFeatureSelector(2, estimator=Autoencoder(2, **SHORT), random_state=0), X),
    (AutoencoderImputer(**SHORT), np.where(X > 1, np.nan, X)),
    (SuperResolver(**SHORT), IMAGES),
]


def set_float64():
    torch.set_default_dtype(torch.float64)


def set_meta():
    torch.set_default_device("meta")


@pytest.mark.parametrize("change", [set_float64, set_meta])
@pytest.mark.parametrize(("estimator", "rows"), CASES, ids=lambda case: type(case).__name__)
def test_defaults_of_torch_change_nothing(estimator, rows, change):
    method = "predict" if isinstance(estimator, SuperResolver) else "transform"
    expected = getattr(estimator.fit(rows), method)(rows)
    change()
    try:
        fitted = pickle.loads(pickle.dumps(estimator.fit(rows)))
        assert_array_equal(getattr(fitted, method)(rows), expected)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
