"""Networks that take their steps together end where each would end alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Dense,
    GaussianNoise,
    NestedCodes,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
)
from sklearn_ae.data import Batch, ColumnScaling
from sklearn_ae.inference import ModuleFactory
from sklearn_ae.latents import Deterministic
from sklearn_ae.losses import SquaredError
from sklearn_ae.starts import PCAStart
from sklearn_ae.terms import Term
from sklearn_ae.training import ModelSpec, TrainingConfig, _joint, make_net
from sklearn_ae.training._weights import copied
from sklearn_ae.training.steps import _ensemble, _recording
from sklearn_ae.training.steps._epoch import BatchIterator, EpochRunner

OPTIONS = {"max_iter": 8, "hidden_layer_sizes": (16, 8), "random_state": 0}
RNG = np.random.default_rng(0)
# 200 rows in five folds: each network has 160 rows.
X = np.tanh(RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 8))) + RNG.normal(size=(200, 8)) / 9

EXACT = {
    "plain": Autoencoder(3, **OPTIONS),
    "tied": Autoencoder(3, tied_weights=True, **OPTIONS),
    "random": Autoencoder(3, init="random", **OPTIONS),
    "layer norm": Autoencoder(3, normalization="layer", **OPTIONS),
    "huber": Autoencoder(3, loss="huber", **OPTIONS),
    "sparse": SparseAutoencoder(12, **OPTIONS),
    "top k": SparseAutoencoder(12, penalty="topk", **OPTIONS),
    "nested": Autoencoder(3, penalties=(NestedCodes(),), **OPTIONS),
    "wasserstein": WassersteinAutoencoder(3, **OPTIONS),
    "stacked": StackedAutoencoder(3, **OPTIONS),
}
DRAWN = {
    "batch top k": SparseAutoencoder(12, penalty="batch_topk", **OPTIONS),
    "jump relu": SparseAutoencoder(12, penalty="jumprelu", **OPTIONS),
    "vector quantized": VectorQuantizedAutoencoder(3, n_codewords=16, **OPTIONS),
    "denoising": DenoisingAutoencoder(6, **OPTIONS),
    "variational": VariationalAutoencoder(3, **OPTIONS),
    "contractive": ContractiveAutoencoder(3, **OPTIONS),
    "dropout": Autoencoder(3, dropout=0.1, **OPTIONS),
}


@pytest.fixture
def ensembles(monkeypatch):
    """What `together` returned, None where networks are trained by batch."""
    found, original = [], _joint.together

    def noted(runners):
        found.append(original(runners))
        return found[-1]

    monkeypatch.setattr(_joint, "together", noted)
    return found


def alone(monkeypatch, estimator, X, **fit_params):
    """Fit with the networks one after the other."""
    with monkeypatch.context() as patch:
        patch.setattr(_joint, "together", lambda nets: None)
        return estimator.fit(X, **fit_params)


def losses(fitted):
    return fitted.history_.drop(columns=["seconds"]).to_numpy()


@pytest.mark.parametrize("name", EXACT)
def test_losses_are_those_of_networks_alone(name, ensembles, monkeypatch):
    estimator = EXACT[name]
    apart = losses(alone(monkeypatch, estimator, X))
    fitted = estimator.fit(X)
    assert ensembles[0] is not None
    assert fitted.history_["valid_loss"].nunique() > 4
    assert_allclose(losses(fitted), apart, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", DRAWN)
def test_networks_that_draw_learn_as_much_and_are_the_same_each_time(name, ensembles, monkeypatch):
    estimator = DRAWN[name]
    apart = alone(monkeypatch, estimator, X).history_["valid_loss"]
    first = losses(estimator.fit(X))
    assert ensembles[0] is not None
    assert_array_equal(losses(estimator.fit(X)), first)
    assert_allclose(estimator.history_["valid_loss"], apart, rtol=0.1)


def test_the_draws_of_networks_differ():
    """Dropout alone makes networks on the same rows differ."""
    nets = small_nets(2, dropout=0.5)
    ensemble = _ensemble.together(nets)
    ensemble.train_epoch([1e-2] * 4)
    one, other = (copied(net.net) for net in nets)
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_those_of_each_network(weighted):
    """After one epoch each network has the weights that it would have alone."""
    together, apart = small_nets(3, weighted=weighted), small_nets(3, weighted=weighted)
    terms = _ensemble.together(together).train_epoch([1e-2, 5e-3, 1e-2, 2e-3])
    for net, other, own in zip(together, apart, terms, strict=True):
        [expected] = other.train_epoch([[1e-2], [5e-3], [1e-2], [2e-3]])
        assert own.keys() == expected.keys()
        assert_allclose(list(own.values()), list(expected.values()), rtol=1e-5)
        for weight, target in zip(copied(net.net), copied(other.net), strict=True):
            assert_allclose(weight, target, rtol=1e-4, atol=2e-6)
        assert float(net.update.step) == float(other.update.step) == 4
        assert_allclose(net.update.moments[0][0], other.update.moments[0][0], rtol=1e-3, atol=1e-6)


def test_rows_that_a_network_has_more_take_turns():
    batch = Batch(torch.arange(50.0)[:, None])
    batches = BatchIterator(batch, 16, torch.Generator().manual_seed(0))
    batches.limit(48)
    assert len(batches) == 3
    assert batches.sizes == {16}
    seen = set()
    for _ in range(20):
        drawn = torch.cat([part.x for part in batches]).flatten().tolist()
        assert len(set(drawn)) == len(drawn) == 48
        seen |= set(drawn)
    assert len(seen) == 50


def test_networks_of_folds_of_different_sizes_go_together(ensembles):
    fitted = Autoencoder(3, **OPTIONS).fit(X[:197])
    assert ensembles[0] is not None
    assert fitted.history_["valid_loss"].nunique() > 4


def test_afterwards_networks_share_no_memory():
    nets = small_nets(2)
    ensemble = _ensemble.together(nets)
    ensemble.train_epoch([1e-2] * 4)
    ensemble.end()
    storages = [{p.untyped_storage().data_ptr() for p in net.whole.parameters()} for net in nets]
    assert not storages[0] & storages[1]


def test_an_ensemble_whose_steps_are_not_captured_says_so(monkeypatch, capsys):
    monkeypatch.setattr(_recording, "_MOST_BYTES", 100)
    fitted = Autoencoder(3, verbose=2, **OPTIONS | {"max_iter": 12}).fit(X)
    assert "a step allocates more than 100 bytes" in capsys.readouterr().out
    assert np.isfinite(fitted.history_["valid_loss"]).all()


class Plain(nn.Sequential):
    """A user's module."""

    def __init__(self, n_in, n_out):
        super().__init__(nn.Linear(n_in, n_out))


class Watching(Callback):
    """A callback that wants to see each batch."""

    def on_batch_end(self, net, **kwargs):
        pass


@pytest.mark.parametrize(
    "options",
    [
        {"encoder": Plain, "decoder": Plain},
        {"callbacks": [Watching()]},
        {"hidden_layer_sizes": (400, 300)},
    ],
    ids=["user's module", "callback", "large"],
)
def test_other_networks_train_alone(options, ensembles):
    fitted = Autoencoder(3, **OPTIONS | {"max_iter": 2} | options).fit(X)
    assert not any(ensembles)
    assert np.isfinite(fitted.history_["valid_loss"]).all()


def test_images_train_alone(ensembles):
    ConvolutionalAutoencoder(2, max_iter=1).fit(X.reshape(200, 4, 2))
    assert ensembles[0] is None


@pytest.mark.parametrize(
    "change",
    [
        lambda net: setattr(net.net.criterion_, "nat", 0.5),
        lambda net: setattr(net.net.criterion_, "corruption", GaussianNoise(0.3)),
        lambda net: setattr(net.batches, "batch_size", 7),
    ],
    ids=["number", "corruption", "batch size"],
)
def test_networks_that_differ_in_more_than_numbers_train_alone(change):
    nets = small_nets(2)
    assert _ensemble.together(nets) is not None
    change(nets[1])
    assert _ensemble.together(nets) is None


def test_what_torch_cannot_stack_trains_alone_on_all_rows():
    nets = small_nets(2, sizes=(60, 61))
    for net in nets:
        net.net.criterion_.terms["no"] = Unstackable()
    before = [copied(net.net) for net in nets]
    assert _ensemble.together(nets) is None
    for net, weights, n_rows in zip(nets, before, (60, 61), strict=True):
        assert net.batches.n_rows == n_rows
        assert all(torch.equal(a, b) for a, b in zip(copied(net.net), weights, strict=True))
        net.train_epoch([[1e-3]] * len(net.batches))


class Unstackable(Term):
    """A term that needs a value on the host."""

    def forward(self, network, batch, result, generator):
        return result.code.sample.sum() * float(batch.x.sum() > 0)


Unstackable.__module__ = "sklearn_ae.terms"


def test_a_loss_that_is_not_finite_sends_all_back(monkeypatch):
    tried, original = [], _ensemble.Ensemble.train_epoch

    def fail_once(self, rates):
        tried.append(rates[0])
        terms = original(self, rates)
        if len(tried) == 3:
            terms[1]["reconstruction"] = np.nan
        return terms

    monkeypatch.setattr(_ensemble.Ensemble, "train_epoch", fail_once)
    fitted = Autoencoder(3, **OPTIONS).fit(X)
    assert len(tried) == 9
    assert tried[3] < tried[2]
    assert np.isfinite(fitted.history_["train_loss"]).all()


def small_nets(n, weighted=False, sizes=None, **layers):
    """Networks on rows of their own, ready to train, in batches of 15."""
    nets = []
    for i in range(n):
        generator = torch.Generator().manual_seed(i)
        n_rows = 60 if sizes is None else sizes[i]
        x = torch.randn(n_rows, 5, generator=generator)
        weight = torch.rand(n_rows, generator=generator) + 0.5 if weighted else None
        architecture = Dense(hidden_layer_sizes=(7,), **layers)
        spec = ModelSpec(architecture, Deterministic(), None, (), SquaredError(), PCAStart())
        config = TrainingConfig(2, batch_size=15)
        factory = ModuleFactory(architecture, Deterministic(), 5, 2, 60, linear_path=True)
        scaling = ColumnScaling(np.zeros(5), np.full(5, 1.0 + i))
        net = make_net(factory, spec, config, (scaling, scaling))
        net.module_.encoder.reset(generator)
        net.module_.decoder.reset(generator)
        batches = BatchIterator(Batch(x, weight=weight), 15, torch.Generator().manual_seed(9))
        nets.append(EpochRunner(net, batches, torch.Generator().manual_seed(0)))
    return nets


def test_fits_in_threads_are_equal():
    alone = Autoencoder(3, **OPTIONS).fit(X).transform(X)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: Autoencoder(3, **OPTIONS).fit(X).transform(X), range(8)))
    for code in codes:
        assert_array_equal(code, alone)
