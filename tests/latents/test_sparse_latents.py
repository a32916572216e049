"""Latents of sparse codes: a few units are active, or all are near a small mean."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from sklearn_ae import Autoencoder, Sigmoid, TopK
from sklearn_ae.metrics import reconstruction_r2

OUTPUT = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n_active", [1, 2, 6])
def test_top_k_keeps_the_units_of_largest_magnitude(n_active):
    code = TopK(n_active).build(6)(OUTPUT).mean
    kept = code != 0
    assert (kept.sum(dim=1) == n_active).all()
    assert torch.equal(code[kept], OUTPUT[kept])
    least = torch.where(kept, OUTPUT.abs(), torch.inf).amin(dim=1)
    assert (torch.where(kept, 0.0, OUTPUT.abs()).amax(dim=1) <= least).all()


def test_more_active_units_than_there_are_means_all_of_them():
    assert torch.equal(TopK(9).build(6)(OUTPUT).mean, OUTPUT)


def test_top_k_teaches_the_active_units_alone():
    output = OUTPUT.clone().requires_grad_()
    code = TopK(2).build(6)(output).sample
    code.sum().backward()
    assert torch.equal(output.grad, (code != 0).float())


@pytest.mark.parametrize("n_active", [1, 2, 4])
def test_the_start_of_top_k_is_at_least_as_good_as_pca_with_its_active_units(cancer, n_active):
    X = cancer * np.geomspace(1, 100, 30)
    start = Autoencoder(8, latent=TopK(n_active), max_iter=0).fit(X)
    codes = start.transform(X)
    assert_array_equal((codes != 0).sum(axis=1), n_active)
    pca = reconstruction_r2(PCA(n_active).fit(X), X)
    assert reconstruction_r2(start, X) >= pca - 1e-7
    all_active = Autoencoder(8, latent=TopK(8), max_iter=0).fit(X)
    assert reconstruction_r2(all_active, X) == pytest.approx(
        reconstruction_r2(PCA(8).fit(X), X), abs=1e-6
    )


def test_the_logistic_code_is_in_the_unit_interval():
    code = Sigmoid().build(6)(OUTPUT)
    torch.testing.assert_close(code.mean, torch.sigmoid(OUTPUT))
    assert code.divergence is None


@pytest.mark.parametrize("activity", [0.05, 0.3])
def test_each_logistic_unit_starts_with_the_mean_that_is_asked_for(iris, activity):
    start = Autoencoder(4, latent=Sigmoid(activity), max_iter=0, random_state=0).fit(iris)
    assert_allclose(start.transform(iris).mean(axis=0), activity, rtol=1e-4)
    assert reconstruction_r2(start, iris) > 0.7
