"""The linear denoiser is the regression of clean rows on many corrupted copies."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sklearn_ae import (
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    SaltAndPepperNoise,
    SwapNoise,
)
from sklearn_ae.autoencoders import _denoising
from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.runtime import torch_threads
from sklearn_ae.starts import RidgeStart, _ridge

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(800, 3)) @ RNG.normal(size=(3, 6)) + 0.3 * RNG.normal(size=(800, 6))) * (
    np.geomspace(0.5, 20, 6)
) + 3.0
CORRUPTIONS = [GaussianNoise(0.5), MaskingNoise(0.3), SwapNoise(0.3), SaltAndPepperNoise(0.1)]
KINDS = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: type(c).__name__)


def solve(rows, corruption, k, target_scaling=None, seed=0):
    scaling = ColumnScaling.fit(rows)
    target_scaling = scaling if rows.target is None else ColumnScaling.fit(rows.targets)
    with torch_threads(1):
        return RidgeStart(corruption).solve(
            rows, scaling, target_scaling, k, torch.Generator().manual_seed(seed)
        )


def denoiser(start):
    return (start.encoder @ start.decoder).numpy()


def copies(corruption, n_copies=60):
    """Standardised corrupted rows, and the clean ones."""
    z = torch.from_numpy(ColumnScaling.fit(Rows(X)).apply(X))
    drawn = torch.Generator().manual_seed(1)
    noisy = torch.cat([corruption.corrupt(z, drawn) for _ in range(n_copies)])
    return noisy.numpy(), z.repeat(n_copies, 1).numpy()


def error(start, noisy, clean):
    """Squared error in relative units of X, of rows in standard units."""
    scale = X.std(axis=0) / X.std(axis=0).max()
    bias = 0 if start.encoder_bias is None else start.encoder_bias.numpy()
    restored = (noisy @ start.encoder.numpy() + bias) @ start.decoder.numpy()
    return np.square((clean - restored) * scale).sum(axis=1).mean()


@KINDS
def test_it_is_the_least_squares_solution_over_corrupted_copies(corruption):
    noisy, clean = copies(corruption)
    expected = np.linalg.lstsq(noisy, clean, rcond=None)[0]
    assert_allclose(denoiser(solve(Rows(X), corruption, 6)), expected, atol=0.05)


@KINDS
def test_of_rank_k_it_is_the_reduced_rank_regression(corruption):
    noisy, clean = copies(corruption)
    scale = X.std(axis=0) / X.std(axis=0).max()
    full = np.linalg.lstsq(noisy, clean * scale, rcond=None)[0]
    directions = np.linalg.svd(noisy @ full, full_matrices=False)[2]
    errors = []
    for k in range(1, 7):
        projection = directions[:k].T @ directions[:k]
        best = np.square(clean * scale - noisy @ full @ projection).sum(axis=1).mean()
        errors.append(error(solve(Rows(X), corruption, k), noisy, clean))
        assert best * 0.999 <= errors[-1] <= best * 1.02
    assert (np.diff(errors) <= 1e-6).all()


def test_without_corruption_it_is_pca():
    start = solve(Rows(X), None, 2)
    a = ColumnScaling.fit(Rows(X)).apply(X) * X.std(axis=0) / X.std(axis=0).max()
    left_out = (np.linalg.svd(a - a.mean(axis=0))[1][2:] ** 2).sum() / len(X)
    z = ColumnScaling.fit(Rows(X)).apply(X)
    assert error(start, z, z) == pytest.approx(left_out, rel=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_pairs_give_numpys_least_squares(weighted):
    noisy = X + RNG.normal(size=X.shape) * X.std(axis=0) + 0.5
    weight = RNG.integers(0, 3, size=len(X)).astype(float) if weighted else None
    rows = Rows(noisy, weight, target=X)
    start = solve(rows, GaussianNoise(9.0), 6)
    times = np.ones(len(X), int) if weight is None else weight.astype(int)
    design = np.repeat(np.c_[np.ones(len(X)), noisy], times, axis=0)
    expected = (
        np.c_[np.ones(len(X)), noisy]
        @ (np.linalg.lstsq(design, np.repeat(X, times, axis=0), rcond=None)[0])
    )
    z = ColumnScaling.fit(rows).apply(noisy)
    codes = z @ start.encoder.numpy() + start.encoder_bias.numpy()
    restored = ColumnScaling.fit(rows.targets).restore(codes @ start.decoder.numpy())
    assert_allclose(restored / X.std(axis=0), expected / X.std(axis=0), atol=1e-4)


def test_a_users_function_is_averaged_over_draws():
    def corrupt(rows, rng):
        return rows + rng.normal(size=rows.shape) * 0.5 * X.std(axis=0)

    own = denoiser(solve(Rows(X), corrupt, 6))
    assert_allclose(own, denoiser(solve(Rows(X), GaussianNoise(0.5), 6)), atol=0.05)


def test_codes_have_unit_variance_over_corrupted_rows():
    noisy, _ = copies(MaskingNoise(0.3))
    codes = noisy @ solve(Rows(X), MaskingNoise(0.3), 3).encoder.numpy()
    assert_allclose(np.cov(codes.T), np.eye(3), atol=0.05)


@pytest.mark.parametrize("k", [4, 9])
def test_components_beyond_the_rank_are_zero_in_every_row(k):
    flat = np.outer(np.arange(30.0), [1.0, 2.0, -1.0])
    start = solve(Rows(flat), MaskingNoise(0.5), k)
    assert (start.encoder[:, 1:] == 0).all()
    assert start.encoder.shape == (3, k)
    assert torch.isfinite(start.decoder).all()


def test_a_constant_column_is_left_alone():
    padded = denoiser(solve(Rows(np.c_[X, np.ones(800)]), GaussianNoise(0.5), 6))
    assert_allclose(padded[:6, :6], denoiser(solve(Rows(X), GaussianNoise(0.5), 6)), atol=1e-5)
    assert_allclose(padded[:, 6], 0, atol=1e-12)


def test_rows_too_wide_for_all_pairs_of_columns_start_from_pca(monkeypatch):
    assert (_denoising.WIDEST, _denoising._WIDE_COMPONENTS) == (4096, 1024)
    monkeypatch.setattr(_denoising, "WIDEST", 400)
    monkeypatch.setattr(_denoising, "_WIDE_COMPONENTS", 100)
    monkeypatch.setattr(_ridge, "WIDEST", 400)
    X = np.random.default_rng(0).normal(size=(25, 500))
    start = DenoisingAutoencoder(max_iter=0, random_state=0).fit(X)
    assert start.n_components_ == 100
    pca = PCA().fit(X)
    assert_allclose(start.reconstruct(X), pca.inverse_transform(pca.transform(X)), atol=1e-3)
