"""Rows become a few integers; the start is product k-means of principal components."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from sklearn_ae import VectorQuantized, VectorQuantizedAutoencoder
from sklearn_ae.metrics import reconstruction_r2

OPTIONS = {"hidden_layer_sizes": (16,), "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def rows(cancer):
    return (cancer - cancer.mean(axis=0)) / cancer.std(axis=0)


@pytest.fixture(scope="module")
def fitted(rows):
    return VectorQuantizedAutoencoder(5, n_codewords=16, **OPTIONS).fit(rows)


def summed(fitted, X):
    """Words of rows, added up."""
    words, index = fitted.codebook_, fitted.predict_codes(X)
    return words[np.arange(len(words)), index].sum(axis=1)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_code_is_the_sum_of_its_words(rows, whiten):
    fitted = VectorQuantizedAutoencoder(5, n_codewords=16, whiten=whiten, **OPTIONS).fit(rows)
    assert fitted.codebook_.shape == (3, 16, 5)
    index = fitted.predict_codes(rows)
    assert index.shape == (569, 3)
    assert index.dtype == np.int64
    assert_allclose(summed(fitted, rows), fitted.transform(rows), rtol=1e-12)
    assert_array_equal(fitted.reconstruct(rows), fitted.inverse_transform(fitted.transform(rows)))
    assert_array_equal(fitted.predict_codes(rows.astype(np.float32)), index)
    assert len(np.unique(fitted.transform(rows), axis=0)) == len(np.unique(index, axis=0))


def test_one_codebook_of_the_start_is_k_means_of_principal_components(rows):
    start = VectorQuantizedAutoencoder(
        3, n_codewords=10, n_codebooks=1, max_iter=0, random_state=0
    ).fit(rows)
    pca = PCA(3).fit(rows)
    codes = pca.transform(rows)
    k_means = KMeans(10, n_init=10, random_state=0).fit(codes)
    found = ((codes - start.transform(rows) * start._model.scaling.scale.max()) ** 2).sum()
    assert found <= 1.05 * k_means.inertia_
    # Each word is the mean of the rows that have it.
    index = start.predict_codes(rows)[:, 0]
    means = np.array([codes[index == j].mean(axis=0) for j in range(10)])
    assert_allclose(start.codebook_[0] * start._model.scaling.scale.max(), means, atol=1e-4)
    restored = pca.inverse_transform(means[index])
    assert_allclose(start.reconstruct(rows), restored, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, np.geomspace(1, 100, 30)])
def test_training_is_not_worse_than_the_start_on_held_out_rows(rows, scale):
    train, test = rows[:400] * scale, rows[400:] * scale
    options = {"n_components": 6, "n_codewords": 16, "random_state": 0}
    start = VectorQuantizedAutoencoder(max_iter=0, **options).fit(train)
    fitted = VectorQuantizedAutoencoder(max_iter=30, **options).fit(train)
    assert fitted.best_validation_loss_ <= fitted.history_["valid_loss"].iloc[0]
    assert reconstruction_r2(fitted, test) >= reconstruction_r2(start, test) - 1e-3


def test_the_network_restores_more_than_its_start(digits):
    train, test = digits[:1200] / 16, digits[1200:] / 16
    options = {"n_components": 16, "hidden_layer_sizes": (64,), "random_state": 0}
    start = VectorQuantizedAutoencoder(max_iter=0, **options).fit(train)
    fitted = VectorQuantizedAutoencoder(max_iter=25, **options).fit(train)
    assert reconstruction_r2(fitted, test) > reconstruction_r2(start, test) + 0.03
    k_means = KMeans(64, n_init=1, random_state=0).fit(train)
    error = ((test - k_means.cluster_centers_[k_means.predict(test)]) ** 2).sum()
    assert reconstruction_r2(start, test) > 1 - error / ((test - train.mean(axis=0)) ** 2).sum()


def test_every_word_stays_in_use(rows):
    fitted = VectorQuantizedAutoencoder(
        4, n_codewords=16, early_stopping=False, hidden_layer_sizes=(32,), max_iter=20
    ).fit(rows)
    for own in fitted.predict_codes(rows).T:
        assert len(np.unique(own)) >= 14


def test_samples_are_sums_of_words(fitted, rows):
    drawn = fitted.sample(2000, random_state=0)
    assert drawn.shape == (2000, 30)
    codes = fitted._model.encode(drawn)
    assert np.isfinite(codes).all()
    assert_allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.3)


def test_a_latent_and_its_flat_parameters_conflict(rows):
    latent = VectorQuantized(n_codewords=8)
    both = VectorQuantizedAutoencoder(2, n_codewords=16, latent=latent)
    with pytest.raises(ValueError, match="replaces n_codewords=16"):
        both.fit(rows)
    by_latent = VectorQuantizedAutoencoder(2, latent=latent, max_iter=0).fit(rows)
    flat = VectorQuantizedAutoencoder(2, n_codewords=8, max_iter=0, random_state=0).fit(rows)
    assert by_latent.codebook_.shape == flat.codebook_.shape == (1, 8, 2)


def test_codes_are_left_in_their_order(fitted):
    assert fitted._spec_used.symmetry == "none"
    assert_array_equal(fitted._model.code_scale, 1)
    assert fitted.explained_variance_ratio_.shape == (5,)
    assert (fitted.explained_variance_ratio_ > 0).all()
