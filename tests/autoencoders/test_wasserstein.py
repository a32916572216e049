"""Codes become draws from the prior, at a price in what is restored."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sklearn_ae import MMD, WassersteinAutoencoder
from sklearn_ae.metrics import reconstruction_r2

OPTIONS = {"hidden_layer_sizes": (32,), "random_state": 0}


@pytest.fixture(scope="module")
def rows(cancer):
    return (cancer - cancer.mean(axis=0)) / cancer.std(axis=0)


@pytest.mark.parametrize("scale", [1.0, np.geomspace(1, 100, 30)])
def test_the_start_is_pca_with_components_of_unit_variance(rows, scale):
    X = rows * scale
    start = WassersteinAutoencoder(4, max_iter=0).fit(X)
    pca = PCA(4, whiten=True).fit(X)
    spread = np.sqrt(568 / 569)
    assert_allclose(start.transform(X) * spread, pca.transform(X), atol=1e-4)
    assert_allclose(start.reconstruct(X), pca.inverse_transform(pca.transform(X)), atol=1e-3)
    assert_allclose(
        start.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-4, atol=1e-7
    )


def test_the_discrepancy_falls(rows):
    options = {"early_stopping": False, "max_iter": 25, **OPTIONS}
    weak, strong = (
        WassersteinAutoencoder(3, mmd_weight=weight, **options).fit(rows) for weight in (0.01, 10)
    )

    def mmd(fitted):
        return fitted.history_["mmd"].iloc[-3:].mean() / fitted.mmd_weight

    assert mmd(strong) < 0.5 * mmd(weak)
    assert reconstruction_r2(strong, rows) < reconstruction_r2(weak, rows)


def test_codes_are_rotated_and_nothing_else(rows):
    fitted = WassersteinAutoencoder(3, early_stopping=False, max_iter=10, **OPTIONS).fit(rows)
    assert_allclose(fitted._model.code_scale, 1)
    codes = fitted.transform(rows)
    assert_allclose(codes.std(axis=0), 1, atol=0.3)
    assert_allclose(codes.mean(axis=0), 0, atol=0.3)
    explained = fitted.explained_variance_ratio_
    assert explained[0] > explained[-1]


def test_training_is_not_worse_than_the_start_on_held_out_rows(rows):
    fitted = WassersteinAutoencoder(3, max_iter=15, **OPTIONS).fit(rows)
    assert fitted.best_validation_loss_ <= fitted.history_["valid_loss"].iloc[0]


def test_samples_have_the_moments_of_the_rows(rows):
    fitted = WassersteinAutoencoder(5, max_iter=10, **OPTIONS).fit(rows)
    drawn = fitted.sample(4000, random_state=0)
    assert_allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.2)
    assert_allclose(drawn.std(axis=0), rows.std(axis=0), rtol=0.3)


def test_scores_are_minus_the_errors(rows):
    fitted = WassersteinAutoencoder(latent=MMD(2.0), max_iter=2, **OPTIONS).fit(rows)
    errors = ((rows - fitted.reconstruct(rows)) ** 2).sum(axis=1)
    assert_allclose(fitted.score_samples(rows), -errors, rtol=1e-5)
