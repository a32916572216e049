"""The net of a fitted estimator as skorch's users know nets, and optimizers of the user's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import GradientNormClipping
from skorch.history import History as SkorchHistory

from sklearn_ae import (
    Autoencoder,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.architectures import Dense
from sklearn_ae.data import Rows
from sklearn_ae.latents import Deterministic
from sklearn_ae.losses import SquaredError
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import PCAStart
from sklearn_ae.training import Fitter, ModelSpec, TrainingConfig, fit_specs

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0}


def rows(n: int = 150) -> np.ndarray:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 2))
    return np.c_[z, z[:, :1] * z[:, 1:], z**2] + 0.05 * rng.normal(size=(n, 5))


def standardised(fitted: Autoencoder, X: np.ndarray) -> np.ndarray:
    return fitted._model.scaling.apply(X).astype(np.float32)


def same(value: object) -> object:
    return value


def again(value: object) -> object:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("through", [same, again], ids=["fitted", "loaded"])
@pytest.mark.parametrize("n", [150, 1000])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_the_net_answers(through, n, early_stopping):
    X = rows(n)
    fitted = through(Autoencoder(2, early_stopping=early_stopping, **SMALL).fit(X))
    net, x = fitted.net_, standardised(fitted, X)
    expected = fitted._model.scaling.restore(net.predict(x).astype(np.float64))
    np.testing.assert_allclose(expected, fitted.reconstruct(X), rtol=1e-4, atol=1e-4)
    assert net.predict(x.astype(np.float64)).dtype == np.float32
    np.testing.assert_array_equal(net.forward(torch.from_numpy(x)).numpy(), net.predict(x))
    before = float(net.get_loss(net.forward(x), x))
    variance = fitted._model.scaling.scale**2
    by_hand = (np.square(net.predict(x) - x) @ variance / variance.sum()).mean()
    assert before == pytest.approx(by_hand, rel=1e-4)
    assert before == pytest.approx(float(net.get_loss(net.forward(x), None, X=x)))
    epochs = 9000 // n  # as many rows in all
    net.set_params(max_epochs=epochs, verbose=0)
    net.partial_fit(x)
    assert float(net.get_loss(net.forward(x), x)) < before
    assert len(net.history) == fitted.n_iter_ + epochs
    net.set_params(max_epochs=5)
    net.fit(x)
    assert len(net.history) == 5
    losses = net.history[:, "train_loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("through", [same, again], ids=["fitted", "loaded"])
def test_the_net_answers_with_a_condition(through):
    X, condition = rows(), np.random.default_rng(1).normal(size=(150, 2))
    fitted = through(VariationalAutoencoder(2, **SMALL).fit(X, condition=condition))
    x = {"x": standardised(fitted, X), "condition": condition.astype(np.float32)}
    net = fitted.net_.set_params(max_epochs=2, verbose=0)
    shown = net.predict(x)
    assert shown.shape == (150, 10)  # means and deviations
    assert float(net.get_loss(net.forward(x), x["x"], X=x)) > 0
    net.partial_fit(x)
    assert not np.array_equal(net.predict(x), shown)
    assert np.isfinite(net.fit(x).predict(x)).all()


def test_the_net_of_images_and_sequences_answers():
    rng = np.random.default_rng(0)
    images = ConvolutionalAutoencoder(2, max_iter=1, random_state=0).fit(rng.random((30, 8, 8)))
    flat = standardised(images, rng.random((30, 64)))
    assert images.net_.predict(flat).shape == (30, 64)
    series = RecurrentAutoencoder(2, max_iter=1, random_state=0).fit(rng.random((30, 6, 2)))
    flat = standardised(series, rng.random((30, 12)))
    assert series.net_.predict(flat).shape == (30, 12)
    series.net_.set_params(max_epochs=1, verbose=0).partial_fit(flat)


@pytest.mark.parametrize("through", [same, again], ids=["fitted", "loaded"])
@pytest.mark.parametrize("n", [150, 1000])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_the_history_of_the_net_is_that_of_the_estimator(through, n, early_stopping):
    fitted = through(Autoencoder(2, early_stopping=early_stopping, **SMALL).fit(rows(n)))
    history = fitted.net_.history
    assert isinstance(history, SkorchHistory)
    assert len(history) == fitted.n_iter_
    frame = fitted.history_
    assert history[:, "train_loss"] == frame["train_loss"][1:].tolist()
    assert history[:, "dur"] == frame["seconds"][1:].tolist()
    assert history[:, "epoch"] == list(range(1, fitted.n_iter_ + 1))
    if early_stopping:
        best = frame["valid_loss"].cummin().diff()[1:] < 0
        assert history[:, "valid_loss_best"] == best.tolist()
    assert history[:, "batches"] == [[]] * fitted.n_iter_


def test_batches_are_kept_where_a_callback_asked_for_them():
    fitted = Autoencoder(2, callbacks=[GradientNormClipping()], init="random", **SMALL).fit(
        rows(1000)
    )
    assert all(len(batches) > 1 for batches in fitted.net_.history[:, "batches"])
    assert again(fitted).net_.history[:, "batches"] == [[]] * 4


def test_no_row_is_kept_by_the_net():
    fitted = Autoencoder(2, callbacks=[GradientNormClipping()], **SMALL).fit(rows(1000))
    names = [name for name, _ in fitted.net_.callbacks_]
    assert names == ["epoch_timer"]
    assert not {"joint_", "noise_", "totals"} & set(vars(fitted.net_))
    assert len(pickle.dumps(fitted.net_)) < len(pickle.dumps(rows(1000)))


SPEC = ModelSpec(
    Dense(hidden_layer_sizes=(8,)), Deterministic(), None, (), SquaredError(), PCAStart()
)


def fit(n: int, **parameters: object) -> object:
    config = TrainingConfig(2, max_iter=4, **parameters)
    return fit_specs([Fitter(SPEC, config, Seeds(0))], Rows(rows(n)))[0]


def momentum(params, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, lr=lr, momentum=0.9)


@pytest.mark.parametrize("n", [150, 1000])
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, momentum])
def test_an_optimizer_of_the_users(n, early_stopping, optimizer):
    found = fit(n, optimizer=optimizer, early_stopping=early_stopping, learning_rate_init=0.1)
    rates = found.history.column("learning_rate")
    assert rates[1] == pytest.approx(0.1 * 0.04)
    assert len(rates) == found.n_iter + 1
    losses = found.history.column("train_loss")
    assert losses[-1] < losses[1]
    assert losses[-1] != fit(n, early_stopping=early_stopping).history.column("train_loss")[-1]


def test_an_optimizer_that_needs_a_closure_is_refused():
    with pytest.raises(ValueError, match=r"optimizer=.*LBFGS"):
        fit(150, optimizer=torch.optim.LBFGS)
