"""The outlier detector with an estimator: the mean of several that are trained as one."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import (
    Autoencoder,
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.training import _joint

SMALL = {"max_iter": 3, "hidden_layer_sizes": (8,)}
RNG = np.random.default_rng(0)
T = RNG.uniform(-2, 2, 120)
CURVE = np.column_stack([T, T**2 - 1, np.sin(2 * T), np.cos(2 * T), np.abs(T) - 1])
X = CURVE + RNG.normal(size=(120, 5)) / 20
STRANGE = 3.0 * RNG.choice([-1, 1], size=(12, 5))
LEARNED = Autoencoder(1, max_iter=40, hidden_layer_sizes=(16,), learning_rate_init=0.01)


def detector(estimator=None, **options):
    estimator = Autoencoder(2, **SMALL) if estimator is None else estimator
    return AutoencoderOutlierDetector(estimator, **{"n_estimators": 3, "random_state": 0} | options)


@parametrize_with_checks([detector(Autoencoder(max_iter=0), n_estimators=2)])
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.fixture
def ensembles(monkeypatch):
    """What `together` was given and returned."""
    found, original = [], _joint.together

    def noted(nets):
        found.append((len(nets), original(nets)))
        return found[-1][1]

    monkeypatch.setattr(_joint, "together", noted)
    return found


@pytest.mark.parametrize(("n_rows", "sizes"), [(120, {15, 3}), (1100, {3})])
def test_the_networks_are_trained_as_one(n_rows, sizes, ensembles):
    rows = np.resize(X, (n_rows, 5)) + RNG.normal(size=(n_rows, 5)) / 50
    detector().fit(rows)
    assert {n for n, _ in ensembles} <= sizes
    assert ensembles[0][0] == max(sizes)
    assert all(ensemble is not None for _, ensemble in ensembles)


def test_scores_are_the_means_of_different_autoencoders():
    fitted = detector(LEARNED).fit(X)
    scores = [e.score_samples(X) for e in fitted.estimators_]
    assert_allclose(fitted.score_samples(X), np.mean(scores, axis=0))
    assert len({round(float(s[0]), 12) for s in scores}) == 3
    assert all(type(e) is Autoencoder and e.n_iter_ > 0 for e in fitted.estimators_)
    assert_array_equal(fitted.decision_function(X), fitted.score_samples(X) - fitted.offset_)


def test_each_is_as_good_as_one_that_is_fitted_alone():
    fitted = detector(LEARNED).fit(X)
    for member in fitted.estimators_:
        alone = clone(member).fit(X)
        assert member.score(X) == pytest.approx(alone.score(X), rel=0.3)
        pca = clone(member).set_params(max_iter=0).fit(X)
        assert member.score(X) > pca.score(X)


def test_strange_rows_score_low():
    fitted = detector(LEARNED).fit(X)
    both = np.vstack([X, STRANGE])
    assert roc_auc_score(np.arange(len(both)) < len(X), fitted.score_samples(both)) > 0.95
    assert (fitted.predict(STRANGE) == -1).mean() > 0.7
    assert (fitted.predict(X) == -1).mean() == pytest.approx(0.1, abs=0.05)
    labels = detector(LEARNED, novelty=False).fit_predict(both)
    assert (labels[len(X) :] == -1).mean() > 0.7


def test_equal_seeds_give_equal_bits():
    one, other = (detector(LEARNED, random_state=4).fit(X).score_samples(X) for _ in range(2))
    assert_array_equal(one, other)
    assert not np.array_equal(detector(LEARNED, random_state=5).fit(X).score_samples(X), one)


@pytest.mark.parametrize(
    "estimator",
    [
        VariationalAutoencoder(2, **SMALL),
        DenoisingAutoencoder(6, **SMALL),
        StackedAutoencoder(2, **SMALL),
        Autoencoder(2, early_stopping=False, **SMALL),
        Autoencoder(2, max_iter=0),
    ],
    ids=lambda e: repr(e)[:30],
)
def test_every_kind_of_autoencoder(estimator):
    fitted = detector(estimator, n_estimators=2).fit(X)
    assert np.isfinite(fitted.score_samples(X)).all()
    assert {type(e) for e in fitted.estimators_} == {type(estimator)}
    assert estimator.random_state is None


def test_few_rows_have_the_start():
    fitted = detector().fit(X[:15])
    assert all(e.n_iter_ == 0 for e in fitted.estimators_)


def test_rows_of_weight_zero_do_not_count():
    weight = np.r_[np.ones(100), np.zeros(20)]
    fitted = detector(Autoencoder(2, max_iter=0)).fit(X, sample_weight=weight)
    without = detector(Autoencoder(2, max_iter=0)).fit(X[:100])
    assert fitted.offset_ == pytest.approx(without.offset_)
    assert_allclose(fitted.score_samples(X), without.score_samples(X))


def test_frames_and_sparse_rows():
    frame = pd.DataFrame(X, columns=list("abcde")).assign(kind=np.where(X[:, 0] > 0, "p", "n"))
    fitted = detector().fit(frame)
    assert fitted.feature_names_in_.tolist() == [*"abcde", "kind"]
    assert fitted.predict(frame).shape == (120,)
    rows = sparse.csr_array(np.where(X > 0.5, X, 0))
    dense = detector().fit(rows.toarray()).score_samples(rows.toarray())
    assert_allclose(detector().fit(rows).score_samples(rows), dense, rtol=1e-3, atol=1e-4)
    assert not hasattr(detector().fit(frame).fit(X), "feature_names_in_")


def test_in_a_grid_search_of_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), detector(n_estimators=2))
    sample_shape = {"autoencoderoutlierdetector__estimator__n_components": [1, 2]}
    order = RNG.permutation(len(X) + len(STRANGE))
    labels = np.r_[np.ones(len(X)), -np.ones(len(STRANGE))][order]
    search = GridSearchCV(pipeline, sample_shape, scoring="roc_auc", cv=2)
    search.fit(np.vstack([X, STRANGE])[order], labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_estimators": 0}, "n_estimators.*0"),
        ({"contamination": 0.7}, "contamination.*0.7"),
        ({"device": "abacus"}, "abacus"),
        ({"estimator": StandardScaler()}, "estimator.*StandardScaler"),
    ],
)
def test_bad_parameters_are_named_and_lose_nothing(options, message):
    fitted = detector().fit(X)
    scores = fitted.score_samples(X)
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**options).fit(X)
    assert_array_equal(fitted.score_samples(X), scores)
    with pytest.raises(NotFittedError):
        clone(detector()).score_samples(X)
