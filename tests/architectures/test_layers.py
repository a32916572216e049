"""Options of hidden layers: normalisation, noise, and what is done in training alone."""

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from sklearn_ae import Autoencoder, Dense
from sklearn_ae.architectures import Shapes
from sklearn_ae.architectures._layers import MLP, BatchNorm, HiddenLayers, compressed, hidden_noise

SHAPES = Shapes(5, 3, 3, 5, 100)
X = torch.randn(40, 5, generator=torch.Generator().manual_seed(1)) * 3 + 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def built(linear_path=True, **options):
    encoder, decoder = Dense((7,), **options).build(SHAPES, linear_path)
    encoder.reset(generator())
    decoder.reset(generator(1))
    return encoder, decoder


def test_batch_normalisation_is_torchs():
    ours, theirs = BatchNorm(5), nn.BatchNorm1d(5)
    for _ in range(3):
        torch.testing.assert_close(ours(X, True), theirs(X))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours(X, False), theirs.eval()(X))
    ours.reset_parameters()
    torch.testing.assert_close(ours(X, False), X / (1 + 1e-5) ** 0.5)


def test_a_batch_of_one_row_is_standardised_by_the_running_moments():
    norm = BatchNorm(5)
    norm(X, True)
    before = norm.running_mean.clone()
    torch.testing.assert_close(norm(X[:1], True), norm(X[:1], False))
    assert torch.equal(norm.running_mean, before)


def test_layer_normalisation_is_torchs():
    mlp = MLP((5, 7, 2), HiddenLayers("identity", normalization="layer"))
    mlp.reset(generator())
    expected = mlp.last(nn.functional.layer_norm(mlp.first(X), (7,)))
    torch.testing.assert_close(mlp(X), expected)
    torch.testing.assert_close(mlp(X, generator()), expected)


@pytest.mark.parametrize("linear_path", [True, False])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_hidden_units_are_standardised_before_their_activation(normalization, linear_path):
    encoder, _ = built(linear_path, normalization=normalization)
    norms = [m for m in encoder.modules() if isinstance(m, BatchNorm | nn.LayerNorm)]
    seen = []
    for norm in norms:
        norm.register_forward_hook(lambda m, args, output: seen.append(output))
    encoder(X, generator())
    [output] = seen
    dim = 0 if normalization == "batch" else 1
    assert_allclose(output.detach().mean(dim=dim), 0, atol=1e-5)
    assert_allclose(output.detach().std(dim=dim, unbiased=False), 1, atol=1e-2)


@pytest.mark.parametrize("options", [{"hidden_noise": 0.3}, {"dropout": 0.3}])
def test_noise_is_there_in_training_alone_and_from_the_generator(options):
    encoder, _ = built(**options)
    plain, _ = built()
    before = torch.get_rng_state()
    assert torch.equal(encoder(X), plain(X))
    assert torch.equal(encoder(X, generator()), encoder(X, generator()))
    assert not torch.equal(encoder(X, generator()), encoder(X, generator(1)))
    assert not torch.equal(encoder(X, generator()), encoder(X))
    assert torch.equal(torch.get_rng_state(), before)


def test_hidden_noise_has_its_standard_deviation():
    x = torch.ones(200, 50)
    noise = hidden_noise(x, 0.3, generator()) - x
    assert noise.std().item() == pytest.approx(0.3, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert hidden_noise(x, 0.0, generator()) is x
    assert hidden_noise(x, 0.3, None) is x


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_last_batch_of_one_row_fits(normalization, early_stopping, iris):
    fitted = Autoencoder(
        2,
        hidden_layer_sizes=(4,),
        normalization=normalization,
        batch_size=1,
        max_iter=2,
        early_stopping=early_stopping,
        random_state=0,
    ).fit(iris[:30])
    assert torch.isfinite(torch.from_numpy(fitted.transform(iris))).all()


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_the_start_is_exact_with_normalised_hidden_units(normalization, iris):
    options = {"hidden_layer_sizes": (4,), "max_iter": 0, "random_state": 0}
    start = Autoencoder(2, normalization=normalization, **options).fit(iris)
    plain = Autoencoder(2, **options).fit(iris)
    assert_allclose(start.transform(iris), plain.transform(iris), atol=1e-5)


def test_running_moments_are_learned_and_kept_with_the_best_epoch(iris):
    fitted = Autoencoder(
        2,
        hidden_layer_sizes=(4,),
        normalization="batch",
        init="random",
        max_iter=3,
        early_stopping=False,
        random_state=0,
    ).fit(iris)
    norms = [m for m in fitted.net_.module_.modules() if isinstance(m, BatchNorm)]
    assert len(norms) == 2
    assert all((norm.running_mean != 0).any() for norm in norms)
    alone = [fitted.transform(row[None]) for row in iris[:3]]
    assert_allclose(alone, fitted.transform(iris[:3])[:, None], rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compression_is_three_asinh_of_a_third(dtype):
    x = torch.tensor([0.0, 1e-8, 1e-3, 0.3, 3.0, 50.0, 1e9, 1e17], dtype=dtype)
    x = torch.cat([-x, x]).requires_grad_()
    expected = 3 * torch.asinh(x.detach().double() / 3)
    torch.testing.assert_close(compressed(x).double(), expected, rtol=1e-6, atol=1e-6)
    (slope,) = torch.autograd.grad(compressed(x).sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    y = x.detach().double()
    torch.testing.assert_close(slope.double(), (1 + y**2 / 9).rsqrt(), rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(bend.double(), -y / 9 * (1 + y**2 / 9) ** -1.5, rtol=1e-4, atol=1e-8)


def test_compression_of_huge_numbers_is_finite():
    x = torch.tensor([1e30, -1e38, torch.inf])
    assert torch.isfinite(compressed(x)).all()
    assert torch.isnan(compressed(torch.tensor([torch.nan])))


def test_a_bias_before_batch_normalisation_is_not_trained():
    mlp = MLP((4, 6, 3), HiddenLayers(normalization="batch"))
    mlp.reset(torch.Generator().manual_seed(0))
    mlp(torch.randn(20, 4, generator=generator(2)), generator()).square().sum().backward()
    assert mlp.first.bias.grad is None
    assert mlp.norms[0].bias.grad.abs().sum() > 0
