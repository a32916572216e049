"""Which rows are outliers: by rows that the network was not fitted to, or by a share of those."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import sklearn_ae
from sklearn_ae import Autoencoder, StackedAutoencoder, VariationalAutoencoder
from sklearn_ae.autoencoders import BaseAutoencoder
from sklearn_ae.autoencoders._threshold import fresh_threshold
from sklearn_ae.runtime import Seeds

OPTIONS = {"hidden_layer_sizes": (16,), "random_state": 0}
PUBLIC = [
    cls
    for cls in map(vars(sklearn_ae).get, sklearn_ae.__all__)
    if inspect.isclass(cls) and issubclass(cls, BaseAutoencoder)
]
RNG = np.random.default_rng(0)
# Nine directions of noise, of which a network learns nothing, and a curve, of which it does.
NOISE = RNG.normal(size=(1200, 20)) * np.linspace(2, 1, 20)
ANGLE = RNG.uniform(-2, 2, size=1200)
CURVE = np.c_[ANGLE, ANGLE**2, np.sin(2 * ANGLE)] + RNG.normal(size=(1200, 3)) / 20


def pca_scores(train, held_out, k):
    pca = PCA(k).fit(train)
    return -np.square(held_out - pca.inverse_transform(pca.transform(held_out))).sum(axis=1)


def tenth(scores):
    return np.quantile(scores, 0.1, method="weibull")


def of_folds(scores, fitted, X):
    """What is expected of five folds: a ninth of the way to the scores of the rows of fit."""
    unseen, seen = tenth(np.concatenate(scores)), tenth(fitted.score_samples(X))
    return unseen + (seen - unseen) / 9


def share(estimator, X):
    return np.mean(estimator.predict(X) == -1)


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda c: c.__name__)
def test_the_default_is_auto(cls):
    assert cls().contamination == "auto"


@pytest.mark.parametrize("n", [9, 20, 57])
def test_a_tenth_of_further_rows_is_expected_below(n):
    scores = RNG.normal(size=(4000, n))
    found = [fresh_threshold(each, None) for each in scores]
    assert_allclose(found, np.quantile(scores, 0.1, axis=1, method="weibull"))
    error = stats.norm.cdf(found).std() / 4000**0.5
    # Between two order statistics, straight lines are not quite those of a normal distribution.
    assert abs(stats.norm.cdf(found).mean() - 0.1) < 4 * error + 0.003


@pytest.mark.parametrize("n", [1, 3, 8])
def test_of_few_held_out_rows_it_is_the_lowest(n):
    scores = RNG.normal(size=n)
    assert fresh_threshold(scores, None) == scores.min()


def test_weights_count_by_their_share():
    scores = RNG.normal(size=50)
    even = fresh_threshold(scores, None)
    for weight in (1e-200, 0.3, 1e200):
        assert fresh_threshold(scores, np.full(50, weight)) == pytest.approx(even)
    light = np.r_[np.full(5, 1e-9), np.ones(50)]
    assert fresh_threshold(np.r_[np.full(5, -9.0), scores], light) == pytest.approx(even)
    heavy = np.where(scores < np.median(scores), 3.0, 1.0)
    assert fresh_threshold(scores, heavy) < even


@pytest.mark.parametrize(("name", "kept"), [("noise", "start"), ("curve", "network")])
def test_few_rows_are_held_out_in_folds(name, kept):
    X, options = {"noise": (NOISE, {"max_iter": 3}), "curve": (CURVE, {"max_iter": 20})}[name]
    estimator = Autoencoder(1, **OPTIONS | options)
    held_out = estimator.cross_fit(X[:300])
    assert estimator.selection_.kept == kept
    expected = of_folds([held_out.scores], estimator, X[:300])
    assert estimator.offset_ == pytest.approx(expected, rel=1e-5)
    assert clone(estimator).fit(X[:300]).offset_ == estimator.offset_


@pytest.mark.parametrize("max_iter", [0, 3])
def test_folds_of_the_start_are_closed_forms(max_iter):
    X = NOISE[:240]
    fitted = Autoencoder(5, max_iter=max_iter, **OPTIONS).fit(X)
    assert fitted.selection_.kept == "start"
    parts = np.array_split(Seeds(0).numpy("split").permutation(240), 5)
    scores = [pca_scores(np.delete(X, part, axis=0), X[part], 5) for part in parts]
    assert fitted.offset_ == pytest.approx(of_folds(scores, fitted, X), rel=1e-5)


@pytest.mark.parametrize("max_iter", [0, 3])
def test_many_rows_have_a_part_held_out(max_iter):
    part = Seeds(0).numpy("split").permutation(1200)[:120]
    fitted = Autoencoder(5, max_iter=max_iter, **OPTIONS).fit(NOISE)
    assert fitted.selection_.kept == "start"
    scores = pca_scores(np.delete(NOISE, part, axis=0), NOISE[part], 5)
    expected = tenth(scores)
    assert fitted.offset_ == pytest.approx(expected, rel=1e-5)
    trained = Autoencoder(1, max_iter=10, **OPTIONS).fit(CURVE)
    assert trained.selection_.kept == "network"
    expected = tenth(trained.score_samples(CURVE[part]))
    assert trained.offset_ == pytest.approx(expected)


def test_the_start_in_a_density_has_not_seen_the_held_out_part():
    part = Seeds(0).numpy("split").permutation(1200)[:120]
    fitted = VariationalAutoencoder(2, max_iter=8, **OPTIONS).fit(CURVE)
    assert fitted.selection_.kept == "network"
    # That of the kept network is of all rows.
    scores = fitted.score_samples(CURVE[part])
    assert fitted.offset_ == pytest.approx(tenth(scores), abs=0.1)
    assert fitted.offset_ != pytest.approx(tenth(scores), abs=1e-9)


@pytest.mark.parametrize("case", ["last weights", "partial_fit", "float"])
def test_without_held_out_rows_it_is_a_tenth_of_the_training_rows(case):
    X = NOISE[:300]
    if case == "last weights":
        fitted = Autoencoder(5, max_iter=2, early_stopping=False, **OPTIONS).fit(X)
    elif case == "partial_fit":
        fitted = Autoencoder(5, **OPTIONS).partial_fit(NOISE[300:]).partial_fit(X)
    else:
        fitted = Autoencoder(5, max_iter=2, contamination=0.1, **OPTIONS).fit(X)
    assert (fitted.predict(X) == -1).sum() == 30


def test_a_tenth_of_fresh_rows_is_flagged():
    known, fresh = train_test_split(load_digits().data, train_size=300, random_state=0)
    fitted = Autoencoder(16, max_iter=10, hidden_layer_sizes=(32,), random_state=0).fit(known)
    assert fitted.selection_.kept == "network"
    error = (0.09 / len(fresh) + 0.09 / len(known)) ** 0.5
    # Of 64 columns, a fifth of the rows less costs more than is allowed for.
    assert 0.05 < share(fitted, fresh) < 0.1 + 2 * error
    in_sample = np.mean(fitted.score_samples(fresh) < np.quantile(fitted.score_samples(known), 0.1))
    assert in_sample > 0.1 + 3 * error
    assert share(fitted.set_params(contamination=0.1).fit(known), fresh) == in_sample


def test_a_stack_is_trained_as_one_in_folds_too():
    X = np.c_[CURVE, CURVE[:, ::-1] ** 2]
    fitted = StackedAutoencoder(1, stage_sizes=(3,), max_iter=20, **OPTIONS).fit(X[:150])
    assert fitted.selection_.kept == "network"
    error = (0.09 / 1050 + 0.09 / 150) ** 0.5
    assert abs(share(fitted, X[150:]) - 0.1) < 2 * error


def test_stages_of_folds_are_pca_of_pca():
    X = NOISE[:100]
    fitted = StackedAutoencoder(3, stage_sizes=(8,), max_iter=0, **OPTIONS).fit(X)
    first = PCA(8).fit(X)
    codes, scores = first.transform(X), []
    for part in np.array_split(Seeds(0).numpy("split").permutation(100), 5):
        rest = np.delete(np.arange(100), part)
        own = PCA(8).fit(X[rest])
        # Codes of the fold, in the basis of those of all rows.
        there = np.linalg.lstsq(own.transform(X[rest]), codes[rest] - codes[rest].mean(0))[0]
        second = PCA(3).fit(codes[rest])
        moved = own.transform(X[part]) @ there + codes[rest].mean(axis=0)
        back = second.inverse_transform(second.transform(moved)) - codes[rest].mean(axis=0)
        rebuilt = own.inverse_transform(back @ np.linalg.inv(there))
        scores.append(-np.square(X[part] - rebuilt).sum(axis=1))
    assert fitted.offset_ == pytest.approx(of_folds(scores, fitted, X), rel=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 19])
def test_a_handful_of_rows_is_not_held_out(n):
    fitted = Autoencoder(2, **OPTIONS).fit(NOISE[:n])
    assert fitted.selection_.kept == "start"
    assert (fitted.predict(NOISE[:n]) == -1).sum() == n // 10
    repeated = Autoencoder(2, **OPTIONS).fit(np.repeat(NOISE[:n], 3, axis=0))
    assert repeated.offset_ == pytest.approx(fitted.offset_, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [30, 1100])
def test_rows_that_are_all_alike_are_inliers(n, weighted):
    X = np.full((n, 3), 1.1e12)
    weight = RNG.uniform(size=n) if weighted else None
    fitted = Autoencoder(**OPTIONS).fit(X, sample_weight=weight)
    assert_array_equal(fitted.predict(X), 1)


def test_where_reconstructions_are_exact_rounding_does_not_decide():
    X = RNG.normal(size=(200, 3))
    for fitted in (Autoencoder(3, **OPTIONS).fit(X), Autoencoder(**OPTIONS).fit(X[:, :1])):
        X = X[:, : fitted.n_features_in_]
        assert -fitted.offset_ < 1e-9
        assert share(fitted, X) <= 0.1


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_tenth_of_many_training_rows_is_found_by_some_of_them(method, monkeypatch):
    scored = []
    own = Autoencoder._scores

    def counted(self, model, values, *given):
        scored.append(len(values))
        return own(self, model, values, *given)

    X = np.random.default_rng(0).normal(size=(30_000, 3))
    model = Autoencoder(1, max_iter=1, early_stopping=False, random_state=0)
    monkeypatch.setattr(Autoencoder, "_scores", counted)
    getattr(model, method)(X)
    assert max(scored) == 10_000
    assert abs((model.predict(X) == -1).mean() - 0.1) < 0.02
    assert_array_equal(getattr(clone(model), method)(X).offset_, model.offset_)
