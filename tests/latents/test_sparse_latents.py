"""Latents of sparse codes: a few units are active, or all are near a small mean."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from sklearn_ae import Autoencoder, BatchTopK, JumpReLU, Sigmoid, TopK
from sklearn_ae.data import Batch
from sklearn_ae.metrics import reconstruction_r2
from sklearn_ae.terms import Forward

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


def built(latent, width=6):
    module = latent.build(width)
    module.reset(torch.Generator())
    module.start_from(OUTPUT, None, torch.Generator())
    return module


@pytest.mark.parametrize("latent", [BatchTopK(2), BatchTopK(1.5), JumpReLU(2)])
def test_so_many_units_are_active_on_average_at_the_start(latent):
    code = built(latent)(OUTPUT).mean
    active = (code != 0).sum(dim=1).float()
    assert active.mean() == pytest.approx(latent.n_active)
    assert active.min() < active.max()
    assert torch.equal(code[code != 0], OUTPUT[code != 0])


def test_batch_top_k_keeps_the_largest_of_a_batch_and_then_what_reaches_their_least():
    module = built(BatchTopK(2))
    for _ in range(300):
        trained = module(OUTPUT * 3, torch.Generator()).sample
    assert (trained != 0).sum() == 400
    code = module(OUTPUT * 3).mean
    torch.testing.assert_close(code, trained)
    # A row alone has the code that it has in company.
    assert torch.equal(torch.cat([module(3 * row[None]).mean for row in OUTPUT]), code)


def test_more_active_units_of_a_batch_than_there_are_means_all_of_them():
    assert torch.equal(built(BatchTopK(9))(OUTPUT, torch.Generator()).sample, OUTPUT)


def test_jump_relu_counts_active_units():
    module = built(JumpReLU(2))
    code = module(OUTPUT, torch.Generator())
    assert torch.equal(code.divergence, (code.mean != 0).sum(dim=1).float())
    term = JumpReLU(4, weight=0.5).terms(6)["active_units"]
    batch = Batch(OUTPUT)
    assert term(None, batch, Forward(OUTPUT, code), None).item() == pytest.approx(0.5 * 0.5**2)


def test_gradients_of_thresholds_are_those_of_smoothed_means():
    # Over many rows, the kernel's estimate is the derivative of the mean.
    output = torch.linspace(-3, 3, 60_001, dtype=torch.float64)[:, None]
    module = JumpReLU(1, bandwidth=0.2).build(1).double()
    code = module(output)
    (active,) = torch.autograd.grad(code.divergence.mean(), module.log_threshold, retain_graph=True)
    # P(|u| >= θ) = 1 - θ / 3 at θ = 1, by log θ.
    assert active.item() == pytest.approx(-1 / 3, rel=1e-3)
    kept = (code.sample * output.sign()).mean()
    (size,) = torch.autograd.grad(kept, module.log_threshold)
    # E |u| over |u| >= θ is (9 - θ²) / 6.
    assert size.item() == pytest.approx(-1 / 3, rel=1e-3)


def test_thresholds_go_with_their_units():
    module = built(JumpReLU(2))
    with torch.no_grad():
        module.log_threshold.copy_(torch.linspace(-1, 0, 6))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    into = torch.eye(6)[:, order] * torch.tensor([1.0, -1, 1, -1, 1, 1])
    code = module(OUTPUT).mean
    module.change_basis(into, torch.zeros(6))
    torch.testing.assert_close(module(OUTPUT @ into).mean, code @ into)


@pytest.mark.parametrize("latent", [BatchTopK(2), JumpReLU(2)])
def test_the_start_by_thresholds_is_better_than_that_of_as_many_in_each_row(latent, cancer):
    X = (cancer - cancer.mean(axis=0)) / cancer.std(axis=0)
    start = Autoencoder(8, latent=latent, max_iter=0).fit(X)
    assert (start.transform(X) != 0).sum(axis=1).mean() == pytest.approx(2, abs=0.01)
    each = Autoencoder(8, latent=TopK(2), max_iter=0).fit(X)
    assert reconstruction_r2(start, X) > reconstruction_r2(each, X)


@pytest.mark.parametrize("latent", [BatchTopK(2), JumpReLU(2)])
def test_training_keeps_the_number_of_active_units(latent, cancer):
    X = (cancer - cancer.mean(axis=0)) / cancer.std(axis=0)
    options = {"latent": latent, "early_stopping": False, "random_state": 0}
    fitted = Autoencoder(8, hidden_layer_sizes=(32,), max_iter=20, **options).fit(X)
    active = (fitted.transform(X) != 0).sum(axis=1)
    assert active.mean() == pytest.approx(2, rel=0.25)
    start = Autoencoder(8, max_iter=0, **options).fit(X)
    assert fitted.score(X) > start.score(X)
    alone = np.vstack([fitted.transform(row[None]) for row in X[:20]])
    assert_allclose(alone, fitted.transform(X)[:20], atol=1e-6)


@pytest.mark.parametrize("latent", [BatchTopK, JumpReLU])
@pytest.mark.parametrize("n_active", [1, 2, 3])
def test_no_training_row_lies_on_the_threshold_of_the_start(latent, n_active, iris):
    X = iris[:19].astype(np.float32)
    fitted = Autoencoder(3, latent=latent(n_active), max_iter=0, random_state=0).fit(X)
    codes = fitted.transform(X)
    alone = np.concatenate([fitted.transform(row) for row in X[:, None]])
    assert_array_equal(codes != 0, alone != 0)
    module = latent(n_active).build(6)
    module.start_from(OUTPUT, None, torch.Generator())
    threshold = module.threshold if latent is BatchTopK else module.log_threshold[0].exp()
    gap = (OUTPUT.abs() - threshold).abs().min()
    assert gap > 1e-6 * threshold
    assert (OUTPUT.abs() >= threshold).sum() == n_active * len(OUTPUT)
