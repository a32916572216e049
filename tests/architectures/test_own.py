"""A user's modules stand beside the linear map, and draw from our generators."""

import random
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from torch import nn

from sklearn_ae import Autoencoder, SparseAutoencoder, VariationalAutoencoder
from sklearn_ae.training._weights import copied

SIDES = pytest.mark.parametrize("sides", [("encoder",), ("decoder",), ("encoder", "decoder")])


class Small(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_in, 6),
            nn.BatchNorm1d(6),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(6, n_out),
        )

    def forward(self, x):
        return self.layers(x)


def plain(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 6), nn.Tanh(), nn.Linear(6, n_out))


def too_wide(n_in, n_out):
    return nn.Linear(n_in, n_out + 1)


def make(sides=("encoder", "decoder"), factory=Small, cls=Autoencoder, **options):
    defaults = {"hidden_layer_sizes": (4,), "early_stopping": False, "max_iter": 3}
    own = dict.fromkeys(sides, factory)
    return cls(2, random_state=0, **{**defaults, **own, **options})


@SIDES
@pytest.mark.parametrize("factory", [Small, plain])
def test_the_start_is_exact(iris, sides, factory):
    start = make(sides, factory, max_iter=0).fit(iris)
    assert_allclose(start.transform(iris), PCA(2).fit_transform(iris), atol=1e-5)
    for side in sides:
        assert getattr(start.net_.module_, side).gate == 0


@SIDES
def test_training_opens_the_gates(iris, sides):
    fitted = make(sides, plain, max_iter=15, learning_rate_init=0.01).fit(iris)
    assert fitted.loss_curve_[-1] < fitted.history_["train_loss"][0]
    for side in sides:
        assert getattr(fitted.net_.module_, side).gate != 0


@SIDES
def test_two_fits_are_equal_and_the_global_generators_untouched(iris, sides):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, second = (make(sides).fit(iris) for _ in range(2))
    assert_array_equal(first.transform(iris), second.transform(iris))
    for one, other in zip(copied(first.net_), copied(second.net_), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]
    torch.manual_seed(7)
    third = make(sides).fit(iris)
    assert_array_equal(first.transform(iris), third.transform(iris))


def test_weights_differ_with_the_seed(iris):
    first, second = (make(max_iter=0).set_params(random_state=s).fit(iris) for s in (0, 1))
    name = "encoder.own.layers.0.weight"
    one, other = (dict(e.net_.module_.named_parameters())[name] for e in (first, second))
    assert not torch.equal(one, other)


def test_dropout_and_batch_normalisation_are_off_outside_training(iris):
    fitted = make(init="random").fit(iris)
    assert_array_equal(fitted.transform(iris), fitted.transform(iris))
    alone = np.vstack([fitted.transform(row[None]) for row in iris[:4]])
    assert_allclose(alone, fitted.transform(iris)[:4], rtol=1e-9)


def test_batch_normalisation_learns_its_moments(iris):
    fitted = make().fit(iris)
    norms = [m for m in fitted.net_.module_.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(norms) == 2
    assert all((norm.running_mean != 0).any() for norm in norms)


def test_a_batch_of_one_row_fits(iris):
    fitted = make(batch_size=64).fit(iris[:65])
    assert np.isfinite(fitted.transform(iris)).all()
    alone = make(("encoder",), plain, batch_size=1).fit(iris[:21])
    assert np.isfinite(alone.transform(iris)).all()


@SIDES
def test_reconstructions_do_not_depend_on_the_canonical_basis(iris, sides, monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    canonical = make(sides).fit(iris).reconstruct(iris)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    assert_allclose(make(sides).fit(iris).reconstruct(iris), canonical, atol=1e-5)


@SIDES
def test_without_a_linear_path_the_module_is_alone(iris, sides):
    fitted = make(sides, plain, init="random").fit(iris)
    assert not any(".linear" in name for name, _ in fitted.net_.module_.named_parameters())
    assert np.isfinite(fitted.reconstruct(iris)).all()


def test_an_encoder_writes_what_the_latent_asks_for(iris):
    fitted = make(factory=plain, cls=VariationalAutoencoder).fit(iris)
    module = fitted.net_.module_
    assert module.encoder.widths == (4, 4)
    assert module.decoder.widths == (2, 8)
    assert fitted.transform(iris).shape == (150, 2)


def test_modules_see_the_condition(iris):
    labels = np.repeat(["a", "b", "c"], 50)
    fitted = make(factory=plain, cls=VariationalAutoencoder).fit(iris, condition=labels)
    assert fitted.net_.module_.encoder.widths[0] == 4 + 3
    assert np.isfinite(fitted.reconstruct(iris, condition=labels)).all()


def test_units_of_an_own_encoder_are_revived_like_others(iris):
    fitted = make(factory=plain, cls=SparseAutoencoder).fit(iris)
    assert len(fitted.dead_units_) == 0


@pytest.mark.parametrize(("side", "n_in", "n_out"), [("encoder", 4, 2), ("decoder", 2, 4)])
def test_a_module_of_the_wrong_width_is_refused_with_both_shapes(iris, side, n_in, n_out):
    message = (
        f"The module of {side}= maps rows of shape (2, {n_in}) to (2, {n_out + 1}), but "
        f"(2, {n_out}) is needed"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        make((side,), too_wide).fit(iris)


def test_an_instance_in_place_of_a_factory_is_refused(iris):
    with pytest.raises(TypeError, match=r"not a torch.nn.Module; pass a module class"):
        make(("encoder",), lambda n_in, n_out: 3).fit(iris)


@SIDES
def test_own_modules_cannot_share_weights(iris, sides):
    with pytest.raises(ValueError, match=r"encoder=.*tied_weights=True; set tied_weights=False"):
        make(sides, tied_weights=True).fit(iris)
