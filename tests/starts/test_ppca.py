"""The start of Gaussian latents is probabilistic PCA, given a condition if there is one."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.runtime import torch_threads
from sklearn_ae.starts import PPCAStart


def make(n=80, p=6, seed=0):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2)) @ rng.normal(size=(2, p)) + 0.5 * rng.normal(size=(n, p))
    return factors * np.geomspace(0.1, 10, p) + rng.normal(size=p)


class Solved:
    """The start's distribution in X's units."""

    def __init__(self, X, k, weight=None, condition=None):
        rows = Rows(X, weight, condition=condition)
        self.scaling = ColumnScaling.fit(rows)
        generator = torch.Generator().manual_seed(0)
        with torch_threads(1):
            start = PPCAStart().solve(rows, self.scaling, self.scaling, k, generator)
        self.k = k
        self.encoder, self.decoder = start.encoder.numpy(), start.decoder.numpy()
        self.bias = start.encoder_bias.numpy()
        self.decoder_bias = start.decoder_bias.numpy()
        self.loadings = self.decoder[:k] * self.scaling.scale
        self.noise = start.noise.numpy() * self.scaling.scale

    def covariance(self):
        return self.loadings.T @ self.loadings + np.diag(self.noise**2)

    def means(self, X):
        return self.scaling.apply(X) @ self.encoder[: X.shape[1], : self.k]

    def variances(self):
        return np.exp(self.bias[self.k :])


@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_its_covariance_is_that_of_pca(k):
    X = make()
    solved, pca = Solved(X, k), PCA(k).fit(X)
    scale = np.sqrt(np.outer(X.var(axis=0), X.var(axis=0)))
    assert_allclose(solved.covariance() / scale, pca.get_covariance() / scale, atol=1e-10)
    if k < 6:
        assert_allclose(solved.noise**2, pca.noise_variance_, rtol=1e-9)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_means_and_variances_are_those_of_the_exact_posterior(k):
    X = make()
    solved = Solved(X, k)
    covariance, loadings = solved.covariance(), solved.loadings
    expected = (X - X.mean(axis=0)) @ np.linalg.solve(covariance, loadings.T)
    assert_allclose(solved.means(X), expected, atol=1e-9)
    exact = np.eye(k) - loadings @ np.linalg.solve(covariance, loadings.T)
    assert_allclose(solved.variances(), np.diag(exact), atol=1e-10)
    assert_allclose(exact - np.diag(np.diag(exact)), 0, atol=1e-9)
    assert_array_equal(solved.encoder[:, k:], 0)


def test_weights_count_like_repeated_rows():
    X = make()
    times = np.random.default_rng(1).integers(0, 4, size=len(X))
    weighted, repeated = Solved(X, 2, times.astype(float)), Solved(np.repeat(X, times, axis=0), 2)
    assert_allclose(weighted.covariance(), repeated.covariance(), rtol=1e-9)
    assert_allclose(weighted.encoder, repeated.encoder, atol=1e-9)


def test_a_constant_column_has_no_part_in_the_distribution():
    X = make()
    padded, plain = Solved(np.insert(X, 2, 3.0, axis=1), 2), Solved(X, 2)
    assert_array_equal(padded.encoder[2], 0)
    assert_allclose(padded.decoder[:, 2], 0, atol=1e-12)
    assert_allclose(np.delete(padded.noise, 2), plain.noise, rtol=1e-9)


@pytest.mark.parametrize("k", [3, 7])
def test_components_beyond_the_columns_that_vary_keep_their_prior(k):
    X = np.c_[make(p=2), np.ones((80, 8))]
    solved = Solved(X, k)
    assert_array_equal(solved.means(X)[:, 2:], 0)
    assert_array_equal(solved.variances()[2:], 1)
    assert_array_equal(solved.decoder[2:], 0)


@pytest.mark.parametrize("X", [make(n=5, p=12), make(n=3, p=3), np.ones((10, 3))])
def test_few_rows_give_finite_solutions(X):
    solved = Solved(X, 3)
    for values in (solved.encoder, solved.decoder, solved.bias, solved.noise):
        assert np.isfinite(values).all()


def test_given_a_condition_it_is_the_ppca_of_what_a_regression_leaves():
    labels = np.random.default_rng(3).choice(3, size=80, p=[0.6, 0.3, 0.1])
    X = make() + 5.0 * np.eye(6)[labels]
    indicators = np.eye(3)[labels]
    solved = Solved(X, 2, condition=indicators)
    residuals = X - indicators @ np.linalg.lstsq(indicators, X, rcond=None)[0]
    pca = PCA(2).fit(residuals)
    scale = np.sqrt(np.outer(X.var(axis=0), X.var(axis=0)))
    assert_allclose(solved.covariance() / scale, pca.get_covariance() / scale, atol=1e-9)
    inputs = np.c_[solved.scaling.apply(X), indicators]
    codes = inputs @ solved.encoder[:, :2] + solved.bias[:2]
    expected = residuals @ np.linalg.solve(pca.get_covariance(), solved.loadings.T)
    assert_allclose(codes, expected, atol=1e-8)
    decoded = np.c_[np.zeros((80, 2)), indicators] @ solved.decoder + solved.decoder_bias
    assert_allclose(solved.scaling.restore(decoded), X - residuals, atol=1e-8)
