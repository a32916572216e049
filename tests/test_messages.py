"""What is said of networks that cannot go on, of wrong functions, and before a fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    Gaussian,
    SuperResolver,
    VariationalAutoencoder,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 2)) @ RNG.normal(size=(2, 5)) + 0.1 * RNG.normal(size=(150, 5))
SHORT = {"hidden_layer_sizes": (8,), "max_iter": 2, "early_stopping": False, "random_state": 0}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"init": "random"},
            r'it has a linear map beside it, unless init="random": True and',
        ),
        ({"latent": Gaussian()}, r"it has the latent Deterministic\(\) and now Gaussian\(\); set"),
        ({"loss": "gaussian"}, "it has numbers for each column, by the loss: 1 and now 2; set"),
        ({"hidden_layer_sizes": (9,)}, r"the architecture Dense.*\(8,\).* and now Dense.*\(9,\)"),
    ],
)
def test_a_network_that_cannot_go_on_says_what_differs(changed, message):
    model = Autoencoder(2, warm_start=True, **SHORT).fit(X).set_params(**changed)
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_a_network_that_is_not_trained_further_stays_what_it_was():
    model = Autoencoder(2, warm_start=True, **SHORT).fit(X)
    assert model.selection_.kept == "network"
    assert model.set_params(max_iter=0).fit(X).selection_.kept == "network"
    start = Autoencoder(2, warm_start=True, **{**SHORT, "max_iter": 0}).fit(X)
    assert start.fit(X).selection_.kept == "start"


def test_a_first_batch_does_not_speak_of_a_start(capsys):
    model = Autoencoder(2, verbose=1, **SHORT).partial_fit(X)
    assert "was kept" not in capsys.readouterr().out
    model.fit(X)
    assert "the network was kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"optimizer": lambda params, lr: None}, "returned None, which is not a torch optimizer"),
        ({"optimizer": lambda params: None}, r"does not take \(params, lr=\.\.\.\)"),
        ({"encoder": torch.nn.Linear(5, 2)}, "is a module, whose weights were drawn before; pass"),
        ({"corruption": lambda X: X}, r"does not take \(X, rng\): rows and a numpy Generator"),
    ],
)
def test_functions_that_cannot_be_called_are_named(parameters, message):
    with pytest.raises(TypeError, match=message):
        Autoencoder(2, **SHORT, **parameters).fit(X)


@pytest.mark.parametrize(
    "name",
    [
        *("selection_", "history_", "loss_curve_", "validation_loss_curve_"),
        *("best_validation_loss_", "device_"),
    ],
)
def test_what_is_learned_asks_for_a_fit(name):
    with pytest.raises(NotFittedError, match="Autoencoder instance is not fitted yet"):
        getattr(Autoencoder(), name)
    assert not hasattr(Autoencoder(), name)


@pytest.mark.parametrize(
    ("cls", "wrong", "near"),
    [
        (AutoencoderFeatureSelector, "n_features", "n_features_to_select"),
        (AutoencoderImputer, "alfa", "alpha"),
        (AutoencoderRecommender, "drop_out", "dropout"),
        (sklearn_ae.ManifoldAutoencoder, "n_landmark", "n_landmarks"),
        (AutoencoderClassifier, "n_neighbours", "n_neighbors"),
        (AutoencoderRegressor, "label_wieght", "label_weight"),
        (AutoencoderOutlierDetector, "contaminaton", "contamination"),
        (SuperResolver, "scal", "scale"),
        (sklearn_ae.TimeSeriesOutlierDetector, "estmator", "estimator"),
        (sklearn_ae.DomainAdaptationTransformer, "metod", "method"),
        (sklearn_ae.GraphAdaptedClassifier, "clasifier", "classifier"),
        (sklearn_ae.Augmentation, "corp", "crop"),
        (sklearn_ae.Dense, "tied_weight", "tied_weights"),
        (sklearn_ae.GaussianLikelihood, "normal_score", "normal_scores"),
        (sklearn_ae.KLSparsity, "wieght", "weight"),
        (sklearn_ae.LocalStress, "n_neighbours", "n_neighbors"),
        (sklearn_ae.MaskingNoise, "fracton", "fraction"),
        (sklearn_ae.TopK, "n_activ", "n_active"),
    ],
)
def test_the_nearest_parameter_is_named(cls, wrong, near):
    message = rf"{cls.__name__}\(\) got an unexpected parameter '{wrong}'; did you mean '{near}'\?"
    with pytest.raises(TypeError, match=message):
        cls(**{wrong: 1})
    message = rf"Invalid parameter '{wrong}' for estimator {cls.__name__}.*mean '{near}'\?"
    with pytest.raises(ValueError, match=message):
        cls().set_params(**{wrong: 1})


def test_a_truth_value_is_no_number_of_rows():
    model = VariationalAutoencoder(2, **SHORT).fit(X)
    with pytest.raises(ValueError, match="n_samples=True must be an integer"):
        model.sample(True)
