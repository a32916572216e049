"""Variants in Pipelines and searches, with metadata routed to them."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    GaussianNoise,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.metrics import denoising_score, reconstruction_r2

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(150, 2)) @ RNG.normal(size=(2, 5)) + 0.1 * RNG.normal(size=(150, 5))) * (
    np.geomspace(1, 50, 5)
) + 30.0
NOISY = X + 0.4 * X.std(axis=0) * RNG.normal(size=X.shape)
OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 1, "early_stopping": False, "random_state": 0}


@pytest.fixture
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def by_hand(clean, restored):
    return 1 - np.square(clean - restored).sum() / np.square(clean - clean.mean(axis=0)).sum()


def denoiser(**options):
    return DenoisingAutoencoder(**{**OPTIONS, **options}).set_fit_request(X_clean=True)


@pytest.mark.usefixtures("_routing")
def test_a_pipeline_transforms_the_clean_rows_it_is_told_to():
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("denoise", denoiser())], transform_input=["X_clean"]
    ).fit(NOISY, X_clean=X)
    scaler = StandardScaler().fit(NOISY)
    alone = DenoisingAutoencoder(**OPTIONS).fit(
        scaler.transform(NOISY), X_clean=scaler.transform(X)
    )
    assert_allclose(pipeline.transform(NOISY), alone.transform(scaler.transform(NOISY)))
    restored = pipeline.inverse_transform(pipeline.transform(NOISY))
    assert denoising_score(pipeline, NOISY, X_clean=X) == pytest.approx(by_hand(X, restored))
    assert denoising_score(pipeline, NOISY, X_clean=X) > by_hand(X, NOISY)


@pytest.mark.usefixtures("_routing")
def test_a_pipeline_that_does_not_transform_the_clean_rows_is_told_how():
    pipeline = Pipeline([("scale", StandardScaler()), ("denoise", denoiser())])
    with pytest.raises(ValueError, match=r'transform_input=\["X_clean"\]'):
        pipeline.fit(NOISY, X_clean=X)


@pytest.mark.usefixtures("_routing")
def test_a_search_routes_clean_rows_to_fits_and_scores():
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("denoise", denoiser())], transform_input=["X_clean"]
    )
    search = GridSearchCV(
        pipeline,
        {"denoise__n_components": [1, 2]},
        scoring=denoising_score,
        cv=2,
        error_score="raise",
    ).fit(NOISY, X_clean=X)
    assert search.best_params_ == {"denoise__n_components": 2}
    best = search.best_estimator_
    expected = by_hand(X, best.inverse_transform(best.transform(NOISY)))
    assert search.score(NOISY, X_clean=X) == pytest.approx(expected)
    alone = cross_validate(
        best, NOISY, scoring=denoising_score, cv=2, params={"X_clean": X}, error_score="raise"
    )
    assert search.best_score_ == pytest.approx(alone["test_score"].mean())


@pytest.mark.usefixtures("_routing")
def test_a_variational_search_routes_the_condition():
    labels = np.where(RNG.random(150) < 0.3, "a", "b")
    model = VariationalAutoencoder(2, **OPTIONS)
    model.set_fit_request(condition=True).set_score_request(condition=True)
    search = GridSearchCV(model, {"beta": [0.5, 1.0]}, cv=2, error_score="raise")
    search.fit(X, condition=labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.transform(X, condition=labels).shape == (150, 2)


@pytest.mark.usefixtures("_routing")
@pytest.mark.parametrize("cls", [Autoencoder, ContractiveAutoencoder, DenoisingAutoencoder])
def test_a_pipeline_routes_all_that_comes_with_rows(cls):
    labels = np.where(RNG.random(150) < 0.3, "a", "b")
    weight = RNG.uniform(0.5, 2.0, size=150)
    names = {"X_clean": True, "condition": True, "sample_weight": True}
    last = cls(2, **OPTIONS).set_fit_request(**names, companions=True)
    last.set_transform_request(condition=True).set_predict_request(condition=True)
    last.set_decision_function_request(condition=True)
    last.set_inverse_transform_request(condition=True).set_score_request(**names)
    pipeline = Pipeline(
        [("scale", StandardScaler().set_fit_request(sample_weight=False)), ("last", last)],
        transform_input=["X_clean"],
    )
    given = {"X_clean": X, "condition": labels, "sample_weight": weight}
    companions = {"group": np.arange(150)}
    pipeline.fit(NOISY, **given, companions=companions)
    scaler = StandardScaler().fit(NOISY)
    Z, clean = scaler.transform(NOISY), scaler.transform(X)
    alone = cls(2, **OPTIONS).fit(
        Z, X_clean=clean, condition=labels, sample_weight=weight, companions=companions
    )
    codes = alone.transform(Z, condition=labels)
    assert_allclose(pipeline.transform(NOISY, condition=labels), codes)
    assert_allclose(
        pipeline.inverse_transform(codes, condition=labels),
        scaler.inverse_transform(alone.inverse_transform(codes, condition=labels)),
    )
    decision = pipeline.decision_function(NOISY, condition=labels)
    assert_allclose(decision, alone.decision_function(Z, condition=labels))
    assert_allclose(pipeline.predict(NOISY, condition=labels), np.where(decision >= 0, 1, -1))
    fresh = clone(pipeline).fit_transform(NOISY, **given, companions=companions)
    assert_allclose(fresh, codes)


@pytest.mark.usefixtures("_routing")
def test_a_search_splits_companions_that_are_a_frame():
    model = Autoencoder(2, **OPTIONS).set_fit_request(companions=True)
    frame = pd.DataFrame({"group": np.arange(150)})
    found = cross_validate(model, X, cv=2, params={"companions": frame}, error_score="raise")
    assert np.isfinite(found["test_score"]).all()


@pytest.mark.parametrize("sample_weight", [None, np.arange(150.0)])
def test_pca_can_be_scored_as_a_denoiser(sample_weight):
    pipeline = make_pipeline(StandardScaler(), PCA(2)).fit(NOISY)
    restored = pipeline.inverse_transform(pipeline.transform(NOISY))
    weight = np.ones(150) if sample_weight is None else sample_weight
    mean = np.average(X, axis=0, weights=weight)
    expected = 1 - (weight @ np.square(X - restored)).sum() / (weight @ np.square(X - mean)).sum()
    score = denoising_score(pipeline, NOISY, X_clean=X, sample_weight=sample_weight)
    assert type(score) is float
    assert score == pytest.approx(expected)


def test_without_clean_rows_the_score_says_how_to_pass_them():
    message = r"X_clean=None; pass the clean rows.*enable_metadata_routing=True"
    with pytest.raises(ValueError, match=message):
        denoising_score(PCA(2).fit(X), X)


@pytest.mark.parametrize(
    ("estimator", "sample_shape"),
    [
        (SparseAutoencoder(4, **OPTIONS), {"sparsity": [0.05, 0.3]}),
        (SparseAutoencoder(4, **OPTIONS), {"penalty": ["kl", "l1", "topk"]}),
        (VariationalAutoencoder(2, **OPTIONS), {"beta": [0.5, 2.0]}),
        (ContractiveAutoencoder(2, **OPTIONS), {"contraction": [0.0, 1.0]}),
        (StackedAutoencoder(1, **OPTIONS), {"stage_sizes": [None, (3, 2)]}),
        (
            DenoisingAutoencoder(corruption=GaussianNoise(), **OPTIONS),
            {"corruption__scale": [0.1, 1.0]},
        ),
    ],
    ids=lambda part: "-".join(part) if isinstance(part, dict) else type(part).__name__,
)
def test_searches_vary_the_parameters_of_variants(estimator, sample_shape):
    search = GridSearchCV(
        estimator, sample_shape, scoring=reconstruction_r2, cv=2, error_score="raise"
    ).fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == len(scores)
    [(name, value)] = search.best_params_.items()
    assert search.best_estimator_.get_params()[name] == value


def test_variants_compete_in_one_pipeline():
    pipeline = make_pipeline(StandardScaler(), PCA(2))
    variants = [
        PCA(2),
        Autoencoder(2, **OPTIONS),
        ContractiveAutoencoder(2, **OPTIONS),
        DenoisingAutoencoder(2, **OPTIONS),
        StackedAutoencoder(2, **OPTIONS),
    ]
    search = GridSearchCV(
        pipeline, {"pca": variants}, scoring=reconstruction_r2, cv=2, error_score="raise"
    ).fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert (scores > 0.8).all()
