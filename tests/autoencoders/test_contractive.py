"""The contractive autoencoder: principal axes of a code that changes little with its input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sklearn_ae import ContractiveAutoencoder


def make(k=2, **options):
    defaults = {"hidden_layer_sizes": (8,), "early_stopping": False, "max_iter": 3}
    return ContractiveAutoencoder(k, random_state=0, **{**defaults, **options})


def norm(fitted, X, h=1e-4):
    """The penalty of the user's codes, by finite differences of standardised columns."""
    step = h * X.std(axis=0)
    squares = sum(
        np.square((fitted.transform(X + s) - fitted.transform(X - s)) / (2 * h)).sum(axis=1)
        for s in np.diag(step)
    )
    return squares.mean() / fitted.transform(X).var(axis=0, ddof=1).sum()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_start_is_pca(iris, k):
    start, pca = make(k, max_iter=0).fit(iris), PCA(k).fit(iris)
    assert_allclose(start.transform(iris), pca.transform(iris), atol=1e-4)
    assert_allclose(start.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-4)


def test_the_start_reports_the_penalty_of_its_codes(iris):
    start = make(max_iter=0, contraction=1.0).fit(iris)
    plain = make(max_iter=0, contraction=0.0).fit(iris)
    gap = start.history_["train_loss"][0] - plain.history_["train_loss"][0]
    assert gap / iris.var(axis=0).sum() == pytest.approx(norm(start, iris), rel=1e-3)


def test_a_dearer_norm_is_smaller(iris):
    free, dear = (make(contraction=c, max_iter=30).fit(iris) for c in (0.0, 10.0))
    assert norm(dear, iris) < norm(free, iris)


@pytest.mark.parametrize("k", [2, 4])
def test_components_are_uncorrelated_and_ordered_by_their_variance(iris, k):
    codes = make(k, max_iter=10).fit_transform(iris)
    covariance = np.cov(codes.T)
    off = covariance - np.diag(np.diag(covariance))
    assert_allclose(off, 0, atol=1e-4 * covariance.max())
    assert (np.diff(np.diag(covariance)) <= 0).all()


def test_the_rotation_leaves_the_objective_and_reconstructions_as_they_are(iris, monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    canonical = make().fit(iris)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    plain = make().fit(iris)
    assert_allclose(plain.reconstruct(iris), canonical.reconstruct(iris), atol=1e-5)
    assert norm(plain, iris) == pytest.approx(norm(canonical, iris), rel=1e-4)


def test_wide_codes_are_projected(cancer):
    X = cancer / cancer.std(axis=0)
    few, many = (make(12, n_projections=n, max_iter=1).fit(X) for n in (1, 12))
    assert np.isfinite(few.transform(X)).all()
    assert np.abs(few.transform(X) - many.transform(X)).max() > 1e-6


def test_batches_of_one_row_have_no_penalty(iris):
    fitted = make(batch_size=1, max_iter=1).fit(iris[:25])
    assert fitted.history_["contraction"].iloc[-1] == 0
