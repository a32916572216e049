"""The sparse autoencoder: units with small means, counted when dead, and reinitialised."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import Autoencoder, KLSparsity, L1Sparsity, SparseAutoencoder, TopK
from sklearn_ae.data import Batch
from sklearn_ae.training.callbacks._dead_units import dead_units, reinitialise

PENALTIES = pytest.mark.parametrize("penalty", ["kl", "l1", "topk"])


def make(k=10, **options):
    defaults = {"hidden_layer_sizes": (8,), "early_stopping": False, "max_iter": 3}
    return SparseAutoencoder(k, random_state=0, **{**defaults, **options})


@pytest.mark.parametrize("sparsity", [0.05, 0.3])
def test_logistic_units_keep_the_mean_that_is_asked_for(iris, sparsity):
    codes = make(sparsity=sparsity, sparsity_weight=0.1, max_iter=10).fit_transform(iris)
    assert codes.min() >= 0
    assert codes.max() <= 1
    assert codes.mean() == pytest.approx(sparsity, rel=0.2)


@pytest.mark.parametrize("sparsity", [0.05, 0.2, 0.99])
def test_top_k_activates_the_share_of_the_units(iris, sparsity):
    codes = make(sparsity=sparsity, penalty="topk").fit_transform(iris)
    assert_array_equal((codes != 0).sum(axis=1), max(1, round(10 * sparsity)))


def test_a_dearer_l1_norm_is_smaller(iris):
    def ratio(weight):
        codes = make(4, penalty="l1", sparsity_weight=weight, max_iter=20).fit_transform(iris)
        return (np.abs(codes).mean(axis=0) / np.sqrt((codes**2).mean(axis=0))).mean()

    assert ratio(10.0) < ratio(0.0)


@PENALTIES
def test_the_terms_are_named_in_the_history(iris, penalty):
    history = make(penalty=penalty).fit(iris).history_
    assert {"dead_units", "reconstruction"} <= set(history)
    assert ("kl_sparsity" in history, "l1_sparsity" in history) == (
        penalty == "kl",
        penalty == "l1",
    )


@PENALTIES
@pytest.mark.parametrize("k", [2, 4, 9])
def test_there_may_be_more_units_than_features(iris, penalty, k):
    fitted = make(k, penalty=penalty).fit(iris)
    assert fitted.transform(iris).shape == (150, k)
    assert np.isfinite(fitted.reconstruct(iris)).all()
    assert fitted.explained_variance_ratio_.shape == (k,)


@pytest.mark.parametrize(("p", "k"), [(4, 40), (30, 60)])
def test_none_takes_twice_the_features_but_at_least_forty(p, k):
    X = np.random.default_rng(0).normal(size=(40, p))
    assert make(None, max_iter=0).fit(X).n_components_ == k


def test_units_of_one_value_are_dead(iris):
    fitted = make(9, penalty="l1", max_iter=0).fit(iris)
    assert_array_equal(fitted.dead_units_, range(4, 9))
    assert fitted.history_["dead_units"][0] == 5
    assert (fitted.transform(iris)[:, fitted.dead_units_] == 0).all()


@PENALTIES
def test_dead_units_are_those_of_the_returned_code(iris, penalty):
    fitted = make(9, penalty=penalty).fit(iris)
    codes = fitted.transform(iris)
    assert_array_equal(fitted.dead_units_, np.flatnonzero(np.ptp(codes, axis=0) <= 1e-6))


def test_training_revives_units_that_start_dead(iris):
    fitted = make(9, penalty="l1", max_iter=10).fit(iris)
    assert len(fitted.dead_units_) == 0
    assert fitted.history_["dead_units"].iloc[-1] == 0


def test_components_are_in_the_order_of_what_they_explain(iris):
    for penalty in ("kl", "l1", "topk"):
        ratio = make(penalty=penalty).fit(iris).explained_variance_ratio_
        assert (np.diff(ratio) <= 1e-12).all()


@PENALTIES
def test_the_canonical_order_leaves_reconstructions_as_they_are(iris, penalty, monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    canonical = make(penalty=penalty).fit(iris)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    plain = make(penalty=penalty).fit(iris)
    assert_allclose(plain.reconstruct(iris), canonical.reconstruct(iris), atol=1e-5)
    ours, theirs = (np.sort(np.abs(e.transform(iris)).sum(axis=0)) for e in (canonical, plain))
    assert_allclose(ours, theirs, rtol=1e-5)


def test_a_latent_or_penalty_of_ones_own_replaces_the_flat_ones(iris):
    fitted = make(5, latent=TopK(2)).fit(iris)
    assert_array_equal((fitted.transform(iris) != 0).sum(axis=1), 2)
    with pytest.raises(ValueError, match=r"latent=TopK.* replaces penalty='topk'"):
        make(5, latent=TopK(2), penalty="topk").fit(iris)


@pytest.mark.parametrize("penalties", [(), (KLSparsity(),), (L1Sparsity(),)])
def test_units_are_counted_where_they_may_fall_silent(iris, penalties):
    fitted = Autoencoder(2, hidden_layer_sizes=(4,), penalties=penalties, max_iter=1).fit(iris)
    assert ("dead_units" in fitted.history_) == bool(penalties)


@pytest.fixture
def module(iris):
    return make(3, penalty="l1", max_iter=0).fit(iris).net_.module_


def standardised(iris):
    return Batch(torch.from_numpy((iris - iris.mean(axis=0)) / iris.std(axis=0)).float())


def test_silent_units_are_found_and_get_the_moments_of_the_others(iris, module):
    batch = standardised(iris)
    with torch.no_grad():
        module.encoder.linear.weight[1] *= 1e-9
        module.encoder.linear.bias[1] = 7.0
    dead = dead_units(module, batch)
    assert dead.tolist() == [False, True, False]
    with torch.no_grad():
        module.encoder.linear.weight[1] = torch.tensor([1.0, -1.0, 0.5, 0.0]) * 1e-4
    before = module.encode(batch.x).detach()
    reinitialise(module, batch, dead)
    after = module.encode(batch.x).detach()
    assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])
    others = before[:, [0, 2]]
    assert after[:, 1].std(unbiased=False) == pytest.approx(
        others.std(dim=0, unbiased=False).median().item(), rel=1e-3
    )
    assert after[:, 1].mean() == pytest.approx(others.mean(dim=0).median().item(), abs=1e-3)
    assert torch.corrcoef(torch.stack([after[:, 1], before[:, 1]]))[0, 1] > 0.999


def test_nothing_is_revived_where_all_units_are_silent_or_none_is(iris, module):
    batch = standardised(iris)
    before = [p.detach().clone() for p in module.parameters()]
    for dead in (torch.zeros(3).bool(), torch.ones(3).bool()):
        reinitialise(module, batch, dead)
    assert all(map(torch.equal, before, module.parameters()))
