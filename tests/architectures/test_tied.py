"""Tied weights: the decoder's are the encoder's transposed, the start is PCA all the same."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sklearn_ae import Autoencoder, Dense, VariationalAutoencoder
from sklearn_ae.architectures import Shapes
from sklearn_ae.architectures._layers import TiedLinear

STARTS = pytest.mark.parametrize("init", ["pca", "random"])


def make(k=2, **options):
    defaults = {"hidden_layer_sizes": (6, 4), "early_stopping": False, "max_iter": 3}
    return Autoencoder(k, tied_weights=True, random_state=0, **{**defaults, **options})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def coders(linear_path=True, n_codes=3, n_outputs=5):
    shapes = Shapes(5, n_codes, 3, n_outputs, 100)
    encoder, decoder = Dense((7,), tied_weights=True).build(shapes, linear_path)
    encoder.reset(generator())
    decoder.reset(generator(1))
    return encoder.double(), decoder.double()


@STARTS
def test_after_training_the_weights_are_transposed(init, iris):
    module = make(init=init).fit(iris).net_.module_
    down, up = module.encoder.mlp.layers, module.decoder.mlp.layers
    assert len(down) == len(up) == 3
    for one, other in zip(down, reversed(up), strict=True):
        assert torch.equal(one.weight, other.weight.T)
        assert isinstance(other, TiedLinear)
    if init == "pca":
        assert torch.equal(module.encoder.linear.weight, module.decoder.linear.weight.T)


def test_shared_weights_are_parameters_once(iris):
    tied, free = make().fit(iris), make().set_params(tied_weights=False).fit(iris)
    count = [sum(p.numel() for p in e.net_.module_.parameters()) for e in (tied, free)]
    assert count[0] < 0.7 * count[1]


def test_training_moves_the_shared_weights_and_the_gates(iris):
    start, fitted = make(max_iter=0).fit(iris), make(max_iter=15).fit(iris)
    for part in ("encoder", "decoder"):
        assert getattr(start.net_.module_, part).gate == 0
        assert getattr(fitted.net_.module_, part).gate != 0
    assert fitted.score(iris) > 1.01 * start.score(iris)


def test_shared_weights_learn_without_a_linear_path(iris):
    fitted = make(init="random", max_iter=15, learning_rate_init=0.01).fit(iris)
    assert fitted.loss_curve_[-1] < 0.5 * fitted.history_["train_loss"][0]


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("units", [1.0, np.geomspace(1e-3, 1e3, 30)], ids=["even", "uneven"])
def test_the_start_is_pca_for_columns_of_any_scale(cancer, k, units):
    X = cancer / cancer.std(axis=0) * units
    start, pca = make(k, max_iter=0).fit(X), PCA(k).fit(X)
    expected = pca.transform(X)
    scale = expected.std(axis=0)
    assert_allclose(start.transform(X) / scale, expected / scale, atol=1e-5)
    spread = X.std(axis=0)
    restored = pca.inverse_transform(expected)
    assert_allclose(start.reconstruct(X) / spread, restored / spread, atol=1e-3)


@pytest.mark.parametrize("units", [1.0, np.geomspace(1e-5, 1e5, 6)], ids=["even", "uneven"])
def test_the_start_is_pca_of_rows_that_have_fewer_directions_than_components(units):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6)) * units
    start = make(4, max_iter=0).fit(X)
    assert_allclose(start.reconstruct(X) / X.std(axis=0), X / X.std(axis=0), atol=1e-3)
    assert_allclose(start.transform(X)[:, 2:], 0, atol=1e-6 * X.std())


def test_the_code_is_rotated_to_its_principal_axes(iris):
    fitted = make(max_iter=5).fit(iris)
    covariance = np.cov(fitted.transform(iris).T)
    assert abs(covariance[0, 1]) < 1e-4 * covariance[0, 0]
    assert covariance[0, 0] > covariance[1, 1]
    restored = fitted.reconstruct(iris)
    regression = np.linalg.lstsq(np.c_[fitted.transform(iris), np.ones(150)], restored, rcond=None)[
        0
    ][:2]
    assert (regression[[0, 1], np.abs(regression).argmax(axis=1)] > 0).all()


@pytest.mark.parametrize("linear_path", [True, False])
def test_a_rotation_of_the_code_leaves_the_reconstruction_as_it_is(linear_path):
    encoder, decoder = coders(linear_path)
    for gate in (encoder, decoder):
        if linear_path:
            torch.nn.init.constant_(gate.gate, 0.7)
    x = torch.randn(9, 5, dtype=torch.float64, generator=generator(2))
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator(3))).Q
    shift = torch.tensor([1.0, -2.0, 0.5]).double()
    code, expected = encoder(x), decoder(encoder(x))
    encoder.transform_output(rotation, shift)
    decoder.transform_input(rotation.T, shift)
    torch.testing.assert_close(encoder(x), (code - shift) @ rotation)
    torch.testing.assert_close(decoder(encoder(x)), expected)


def test_set_linear_is_exact_for_an_orthogonal_projection_in_any_column_scales():
    encoder, decoder = coders()
    directions = torch.linalg.qr(torch.randn(5, 3, dtype=torch.float64, generator=generator(3))).Q
    scale = torch.tensor([1.0, 0.1, 3.0, 1e-4, 20.0]).double()
    into, back = scale[:, None] * directions, directions.T / scale
    bias = torch.arange(5).double()
    encoder.set_linear(into)
    decoder.set_linear(back, bias)
    x, z = torch.eye(5).double(), torch.eye(3).double()
    torch.testing.assert_close(encoder(x), x @ into)
    torch.testing.assert_close(decoder(z), z @ back + bias)


@pytest.mark.parametrize("n_outputs", [5, 10])
def test_outputs_that_the_encoder_does_not_have_get_weights_of_their_own(n_outputs):
    encoder, decoder = coders(n_codes=6, n_outputs=n_outputs)
    assert decoder(torch.ones(4, 3).double()).shape == (4, n_outputs)
    assert decoder.linear.further_out.shape == (n_outputs - 5, 3)
    assert encoder(torch.ones(4, 5).double()).shape == (4, 6)


def test_reconstructions_do_not_depend_on_the_canonical_basis(iris, monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    canonical = make().fit(iris).reconstruct(iris)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    assert_allclose(make().fit(iris).reconstruct(iris), canonical, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_tied_variational_start_is_probabilistic_pca(iris: np.ndarray, k: int) -> None:
    start = VariationalAutoencoder(k, max_iter=0, tied_weights=True).fit(iris)
    assert start.score(iris) == pytest.approx(PCA(k).fit(iris).score(iris), abs=1e-4)
