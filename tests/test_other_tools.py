"""Searches, explainers, encoders and data sets of other libraries, next to what they do here."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from skorch.helper import SliceDataset
from torch.utils.data import DataLoader, TensorDataset

from sklearn_ae import (
    Autoencoder,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    ManifoldAutoencoder,
    RecurrentAutoencoder,
    SuperResolver,
)

X, Y = load_iris(return_X_y=True, as_frame=True)
ROWS = X.to_numpy(copy=True)


def small(**parameters):
    return Autoencoder(2, hidden_layer_sizes=(8,), max_iter=4, random_state=0, **parameters)


@pytest.mark.parametrize("n_rows", [150, 1500])
def test_a_pruned_trial_ends_the_fit_and_leaves_nothing_fitted(n_rows):
    optuna = pytest.importorskip("optuna")
    rows = np.resize(ROWS, (n_rows, 4))

    class Report(Callback):
        def __init__(self, trial):
            self.trial = trial

        def on_epoch_end(self, net, **kwargs):
            self.trial.report(net.history[-1, "valid_loss"], step=len(net.history))
            if self.trial.should_prune():
                raise optuna.TrialPruned

    estimators = [small(), small(), small().fit(rows)]
    codes = estimators[2].transform(rows)

    def loss_of(trial):
        return estimators[trial.number].set_params(callbacks=[Report(trial)]).fit(rows).n_iter_

    # All but the first trial are above a loss of zero after the second epoch.
    pruner = optuna.pruners.ThresholdPruner(upper=0.0, n_warmup_steps=2)
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    study.optimize(loss_of, n_trials=1)
    study.pruner = pruner
    study.optimize(loss_of, n_trials=2)
    whole, *pruned = study.trials
    assert whole.state == optuna.trial.TrialState.COMPLETE
    assert sorted(whole.intermediate_values) == [1, 2, 3, 4]
    for trial in pruned:
        assert trial.state == optuna.trial.TrialState.PRUNED
        assert sorted(trial.intermediate_values) == [1, 2]
    assert set(vars(estimators[1])) == set(small().get_params())
    assert_array_equal(estimators[2].transform(rows), codes)


def test_epochs_are_a_resource_of_a_halving_search():
    search = HalvingGridSearchCV(
        small(),
        {"learning_rate_init": [0.001, 0.01, 0.1]},
        resource="max_iter",
        min_resources=1,
        max_resources=3,
        cv=2,
        random_state=0,
    ).fit(ROWS)
    assert search.n_resources_ == [1, 3]
    assert [p["max_iter"] for p in search.cv_results_["params"]] == [1, 1, 1, 3]
    assert search.best_estimator_.n_iter_ == 3


def test_shap_values_of_pcas_codes_are_their_terms():
    shap = pytest.importorskip("shap")
    start = Autoencoder(2, max_iter=0).fit(X)
    explained = shap.KernelExplainer(start.transform, X[::10])(X[:2], silent=True)
    pca = PCA(2).fit(ROWS)
    terms = (ROWS[:2] - ROWS[::10].mean(axis=0))[:, :, None] * pca.components_.T
    assert_allclose(np.abs(explained.values), np.abs(terms), atol=1e-4)


def test_shap_values_add_up_to_the_score():
    shap = pytest.importorskip("shap")
    fitted = small().fit(X)
    explained = shap.KernelExplainer(fitted.score_samples, X[::10])(X[:2], silent=True)
    found = explained.base_values + explained.values.sum(axis=1)
    assert_allclose(found, fitted.score_samples(X[:2]))


def test_a_frozen_autoencoder_is_not_fitted_again():
    fitted = small().fit(ROWS)
    codes = fitted.transform(ROWS)
    pipeline = make_pipeline(FrozenEstimator(fitted), LogisticRegression(max_iter=1000))
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0]}, cv=2)
    search.fit(10 * ROWS, Y)
    assert search.best_estimator_[0].estimator is fitted
    assert_array_equal(search.best_estimator_[0].transform(ROWS), codes)


def test_target_encoder_in_front():
    cities = pd.DataFrame({"city": np.array(["Bern", "Lyon", "Ulm"])[Y], "hour": [8, 9, 10] * 50})
    pipeline = make_pipeline(TargetEncoder(), Autoencoder(1, max_iter=0)).fit(cities, Y == 1)
    encoded = TargetEncoder().fit(cities, Y == 1).transform(cities)
    assert_allclose(pipeline.transform(cities), pipeline[1].transform(encoded))


def test_table_vectorizer_in_front():
    skrub = pytest.importorskip("skrub")
    table = X.assign(
        day=pd.date_range("2026-01-01", periods=150), text=[f"lot {i} of {i % 7}" for i in Y.index]
    )
    table.iloc[3, 0] = np.nan
    pipeline = make_pipeline(skrub.TableVectorizer(), small()).fit(table)
    vectors = pipeline[0].transform(table)
    assert_allclose(pipeline.score_samples(table), pipeline[1].score_samples(vectors))
    assert_allclose(pipeline.score_samples(table[3:4]), pipeline.score_samples(table)[3:4])


DATASETS = {
    "np.asarray(X)": SliceDataset(Dataset(ROWS)),
    "np.stack([row for row, *_ in X])": TensorDataset(torch.from_numpy(ROWS)),
}
LOADER = DataLoader(TensorDataset(torch.from_numpy(ROWS)), 32)
OF_LOADER = "torch.cat([rows for rows, *_ in X])"
ESTIMATORS = [
    small(),
    ConvolutionalAutoencoder(max_iter=1),
    RecurrentAutoencoder(max_iter=1),
    AutoencoderFeatureSelector(),
    AutoencoderImputer(max_iter=1),
    AutoencoderOutlierDetector(small()),
    ManifoldAutoencoder(),
    SuperResolver(),
]


@pytest.mark.parametrize("way_out", [*DATASETS, OF_LOADER])
def test_the_way_out_of_a_data_set_gives_its_rows(way_out):
    found = eval(way_out, {"np": np, "torch": torch, "X": DATASETS.get(way_out, LOADER)})
    assert_array_equal(np.asarray(found), ROWS)


@pytest.mark.parametrize("estimator", ESTIMATORS[1:], ids=lambda e: type(e).__name__)
def test_loaders_are_for_autoencoders_of_tables(estimator):
    with pytest.raises(TypeError, match=re.escape(OF_LOADER)):
        estimator.fit(LOADER)
    fitted = small().fit(LOADER)
    assert_allclose(fitted.transform(LOADER), small().fit(ROWS).transform(ROWS), rtol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("way_out", DATASETS)
def test_data_sets_are_refused_in_fit(estimator, way_out):
    before = vars(estimator).copy()
    with pytest.raises(TypeError, match=re.escape(way_out)):
        estimator.fit(DATASETS[way_out])
    assert vars(estimator) == before


@pytest.mark.parametrize("way_out", DATASETS)
@pytest.mark.parametrize("method", ["transform", "reconstruct", "score_samples", "predict"])
def test_data_sets_are_refused_after_fit(way_out, method):
    fitted = small().set_params(max_iter=0).fit(ROWS)
    with pytest.raises(TypeError, match=re.escape(way_out)):
        getattr(fitted, method)(DATASETS[way_out])


def test_clean_rows_are_no_data_set():
    with pytest.raises(TypeError, match=r"X_clean is a SliceDataset .*np\.asarray\(X_clean\)"):
        DenoisingAutoencoder(2, max_iter=0).fit(ROWS, X_clean=SliceDataset(Dataset(ROWS)))
