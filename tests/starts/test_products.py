"""Starts of sparse rows that are too large to be made dense."""

import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_ae.data import ColumnScaling, Rows, SparseRows, _lazy_rows
from sklearn_ae.runtime import torch_threads
from sklearn_ae.starts import PCAStart, PPCAStart, RidgeStart, SigmoidStart
from sklearn_ae.starts._products import products

N, P, K = 700, 5000, 4


@pytest.fixture(autouse=True)
def _large(monkeypatch):
    """Rows of 3.5 million cells are too large."""
    monkeypatch.setattr(_lazy_rows, "EXPANDED_CELLS", 2**21)


@pytest.fixture(scope="module")
def matrix():
    """Sparse rows with a few strong directions; most columns are empty."""
    rng = np.random.default_rng(0)
    filled = rng.choice(P, 60, replace=False)
    parts = rng.gamma(1.0, size=(N, K)) @ rng.gamma(1.0, size=(K, 60)) * np.geomspace(1, 9, 60)
    parts += 0.1 * rng.gamma(1.0, size=parts.shape)
    parts[rng.random(N) < 0.3] = 0.0
    values = sparse.lil_array((N, P))
    values[:, filled] = parts
    return sparse.csr_array(values), parts, filled


@pytest.fixture(params=[False, True], ids=["plain", "weighted"])
def weight(request):
    return np.random.default_rng(1).integers(0, 3, N).astype(float) if request.param else None


def solved(start, values, weight, condition=None, k=K):
    rows = Rows(values, weight, condition=condition)
    scaling = ColumnScaling.fit(rows)
    with torch_threads(1):
        found = start.solve(rows, scaling, scaling, k, torch.Generator().manual_seed(0))
    return rows, scaling, found


def test_products_are_those_of_the_dense_matrix(matrix, weight):
    rows = Rows(SparseRows(matrix[0]), weight)
    assert rows.large
    scaling = ColumnScaling.fit(rows)
    factor = torch.rand(P).double()
    z = torch.from_numpy(scaling.apply(rows.matrix())) * factor
    by = products(rows, scaling, factor)
    wide, tall = torch.rand(P, 3).double(), torch.rand(len(z), 3).double()
    w = torch.ones(len(z)).double() if weight is None else torch.from_numpy(rows.weights)
    torch.testing.assert_close(by.times(wide), z @ wide)
    torch.testing.assert_close(by.transposed(tall), z.T @ tall)
    expected = z.T @ ((z @ wide) * w[:, None]) / w.sum()
    torch.testing.assert_close(by.covariance(wide), expected)


def columns(tensor, filled, axis=0):
    return tensor.numpy().take(filled, axis)


def test_pca_is_that_of_the_filled_columns(matrix, weight):
    large, parts, filled = matrix
    _, _, ours = solved(PCAStart(), SparseRows(large), weight)
    _, _, theirs = solved(PCAStart(), parts, weight)
    np.testing.assert_allclose(columns(ours.encoder, filled), theirs.encoder, atol=1e-7)
    np.testing.assert_allclose(columns(ours.decoder, filled, 1), theirs.decoder, atol=1e-7)
    assert torch.count_nonzero(ours.decoder) == K * 60


@pytest.mark.parametrize("conditioned", [False, True])
def test_ppca_is_that_of_the_filled_columns(matrix, weight, conditioned):
    large, parts, filled = matrix
    condition = np.random.default_rng(2).normal(size=(N, 2)) if conditioned else None
    if conditioned:
        condition[:, 0] += parts[:, 5]
    _, _, ours = solved(PPCAStart(), SparseRows(large), weight, condition)
    _, _, theirs = solved(PPCAStart(), parts, weight, condition)
    inputs = np.r_[filled, np.arange(P, P + 2 * conditioned)]
    np.testing.assert_allclose(columns(ours.encoder, inputs), theirs.encoder, atol=1e-7)
    np.testing.assert_allclose(ours.encoder_bias, theirs.encoder_bias, atol=1e-7)
    np.testing.assert_allclose(columns(ours.decoder, filled, 1), theirs.decoder, atol=1e-7)
    np.testing.assert_allclose(columns(ours.noise, filled), theirs.noise, rtol=1e-7)
    np.testing.assert_allclose(columns(ours.decoder_bias, filled), theirs.decoder_bias, atol=1e-8)


@pytest.mark.parametrize("start", [RidgeStart(None), SigmoidStart(0.1)])
def test_other_starts_never_hold_all_rows(start, matrix, weight):
    rows, scaling, found = solved(start, SparseRows(matrix[0]), weight, k=8)
    assert found.encoder.shape == (P, 8)
    z = torch.from_numpy(scaling.apply(rows.matrix()))
    code = z @ found.encoder
    if found.encoder_bias is not None:
        code = torch.sigmoid(code + found.encoder_bias)
    restored = code @ found.decoder + (0.0 if found.decoder_bias is None else found.decoder_bias)
    w = torch.ones(len(z)).double() if weight is None else torch.from_numpy(rows.weights)
    r2 = 1 - w @ (z - restored).square().sum(1) / (w @ z.square().sum(1))
    assert r2 > 0.3
