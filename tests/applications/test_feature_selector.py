"""Columns from which the others can be rebuilt, next to linear subset selection."""

from __future__ import annotations

import pickle
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.docscrape import NumpyDocString
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import Autoencoder, AutoencoderFeatureSelector
from sklearn_ae.applications._selection import _choice, linear_order
from sklearn_ae.applications._selection._cosines import Basis, CosineRidge
from sklearn_ae.applications._selection._sample import Sample
from sklearn_ae.applications._selection._scores import CosineScores

FURTHER_CHECKS = [
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_get_feature_names_out_error,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_param_validation,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
    estimator_checks.check_inplace_ensure_writeable,
]
RIDGE = {"estimator": "ridge", "random_state": 0}


@parametrize_with_checks(
    [AutoencoderFeatureSelector(estimator=Autoencoder(hidden_layer_sizes=(8,), max_iter=1))]
)
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


# The set_output checks fit on a frame and transform an array, and the reverse, on purpose.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", FURTHER_CHECKS, ids=lambda c: c.__name__)
def test_further_checks(check):
    check("AutoencoderFeatureSelector", AutoencoderFeatureSelector(estimator="ridge"))


def parabolas(n: int = 300) -> np.ndarray:
    """Two hidden numbers among columns that no line leads to, and which explain none by lines."""
    t, u = np.random.default_rng(0).uniform(-2, 2, (2, n))
    X = np.column_stack([t**2, u**2, t, np.cos(2 * t), u, np.abs(u), t**2 - u**2])
    return X + 0.02 * np.random.default_rng(1).normal(size=X.shape)


def correlated(n: int = 60, p: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)) @ rng.normal(size=(3, p)) + 0.5 * rng.normal(size=(n, p))


def standardized(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


def residual(Z: np.ndarray, columns) -> float:
    """Mean over rows of what least squares on some columns leaves of all."""
    x = Z[:, list(columns)]
    return float(np.sum((Z - x @ np.linalg.lstsq(x, Z, rcond=None)[0]) ** 2) / len(Z))


def alone(p: int) -> list[np.ndarray]:
    return [np.array([j]) for j in range(p)]


# Linear selection


@pytest.mark.parametrize("seed", range(4))
def test_each_linear_step_is_the_best_of_all_columns(seed):
    Z = standardized(correlated(seed=seed))
    order, gains = linear_order(Z.T @ Z / len(Z), alone(7))
    left = 7.0
    for k in range(7):
        found = {j: residual(Z, [*order[:k], j]) for j in range(7) if j not in order[:k]}
        assert order[k] == min(found, key=found.get)
        left -= gains[k]
        assert left == pytest.approx(residual(Z, order[: k + 1]), abs=1e-8)
    assert sorted(order) == list(range(7))


def test_the_linear_step_of_groups_is_the_best_of_all():
    Z = standardized(correlated(p=8))
    units = [np.array(pair) for pair in ([0, 5], [1, 2, 3], [4], [6, 7])]
    order, gains = linear_order(Z.T @ Z / len(Z), units)
    found = [residual(Z, columns) for columns in units]
    assert order[0] == int(np.argmin(found))
    assert 8 - gains[0] == pytest.approx(min(found))
    both = np.concatenate([units[i] for i in order[:2]])
    assert 8 - gains[:2].sum() == pytest.approx(residual(Z, both))


def test_columns_that_are_explained_gain_nothing():
    Z = standardized(correlated(p=3))
    Z = np.hstack([Z, Z[:, :1], 0 * Z[:, :1]])
    order, gains = linear_order(Z.T @ Z / len(Z), [*alone(4), np.empty(0, int)])
    assert set(order[:3]) == {0, 1, 2}
    assert_allclose(gains[3:], 0.0)
    assert list(order).index(0) < list(order).index(3)
    assert order[-1] == 4 or gains[-1] == 0


def test_linear_selection_is_kept_where_all_is_linear():
    X = correlated(n=400)
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(X)
    Z = standardized(X)
    order, gains = linear_order(Z.T @ Z / len(Z), alone(7))
    kept, linear_loss, nonlinear_loss = selector.selection_
    assert kept == "linear"
    assert_array_equal(selector.get_support(indices=True), np.sort(order[:2]))
    assert_array_equal(np.argsort(selector.ranking_), order)
    assert_allclose(selector.feature_importances_[order[:2]], gains[:2] / 7)
    assert linear_loss == pytest.approx(1 - gains[:2].sum() / 7, abs=0.05)
    assert nonlinear_loss == pytest.approx(linear_loss, abs=0.02)


# Non-linear selection


def test_leave_one_out_residuals_are_those_of_fits_without_the_row():
    Z = standardized(parabolas(40))
    weight = np.random.default_rng(2).uniform(0.5, 2, 40)
    weight /= weight.mean()
    columns = np.array([2, 4])
    basis = Basis.draw(np.random.default_rng(0), 7).of(columns, 0.7, 0.05)
    x, root = torch.from_numpy(Z[:, columns]), torch.from_numpy(np.sqrt(weight))[:, None]
    found = basis.left_out(x, torch.from_numpy(Z) * root, root) / root
    P, D = basis.functions(x).numpy(), basis.penalties(x).numpy()
    for i in range(0, 40, 7):
        rest = np.arange(40) != i
        W = weight[rest, None]
        A = np.linalg.solve(P[rest].T @ (W * P[rest]) + D, P[rest].T @ (W * Z[rest]))
        assert_allclose(found[i], Z[i] - P[i] @ A, rtol=1e-6, atol=1e-8)


def test_the_ridge_solves_its_normal_equations():
    sample = Sample(standardized(parabolas(80)), np.ones((80, 7)), np.ones(80))
    columns = np.array([2, 4])
    basis = Basis.draw(np.random.default_rng(0), 7).of(columns, 0.7, 0.05)
    found = CosineRidge(sample, columns, basis).predict(sample.Z[:, columns])
    x = torch.from_numpy(sample.Z[:, columns])
    P, D = basis.functions(x).numpy(), basis.penalties(x).numpy()
    assert_allclose(found, P @ np.linalg.solve(P.T @ P + D, P.T @ sample.Z), atol=1e-8)


def test_a_nonlinear_step_is_the_best_of_all_columns_and_no_exchange_is_better():
    sample = Sample(standardized(parabolas(200)), np.ones((200, 7)), np.ones(200))
    scores = CosineScores(sample, alone(7), np.ones(7, int), np.random.default_rng(0))
    scores.tune([0, 1])
    chosen = _choice.nonlinear_selection(scores, sample.covariance, 2)
    pairs = {pair: scores.loss(sorted(pair)) for pair in combinations(range(7), 2)}
    assert tuple(sorted(chosen)) == min(pairs, key=pairs.get)
    one = _choice.nonlinear_selection(scores, sample.covariance, 1)
    assert one[0] == int(np.argmin([scores.loss([j]) for j in range(7)]))


def test_hidden_numbers_are_found_where_lines_see_none():
    X = parabolas()
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(X)
    Z = standardized(X)
    linear = linear_order(Z.T @ Z / len(Z), alone(7))[0][:2]
    assert_array_equal(selector.get_support(indices=True), [2, 4])
    assert set(linear) != {2, 4}
    kept, linear_loss, nonlinear_loss = selector.selection_
    assert kept == "nonlinear"
    assert nonlinear_loss < 0.1 < linear_loss
    rebuilt = selector.inverse_transform(selector.transform(X))
    assert 1 - np.sum((rebuilt - X) ** 2) / np.sum((X - X.mean(axis=0)) ** 2) > 0.95
    assert_array_equal(rebuilt[:, [2, 4]], X[:, [2, 4]])
    assert_array_equal(np.sort(selector.ranking_), np.arange(1, 8))
    assert set(np.flatnonzero(selector.ranking_ <= 2)) == {2, 4}
    assert 0.9 < selector.feature_importances_.sum() <= 1
    assert_array_equal(np.flatnonzero(selector.feature_importances_), [2, 4])


def test_beyond_so_many_columns_the_others_are_linear(monkeypatch):
    from sklearn_ae.applications._selection import _search

    sample = Sample(standardized(parabolas(100)), np.ones((100, 7)), np.ones(100))
    scores = CosineScores(sample, alone(7), np.ones(7, int), np.random.default_rng(0))
    monkeypatch.setattr(_search, "_MOST_UNITS", 2)
    C = sample.covariance
    chosen = _search.nonlinear_selection(scores, C, 4)
    assert chosen == linear_order(C, alone(7), chosen[:2])[0][:4]
    order, gains = _search.nonlinear_order(scores, C, chosen)
    assert set(order[:4]) == set(chosen)
    assert len(gains) == 4


# What is asked for


def test_a_share_takes_as_many_columns_as_explain_it():
    X = correlated(n=18)
    Z = standardized(X)
    explained = np.cumsum(linear_order(Z.T @ Z / len(Z), alone(7))[1]) / 7
    for k in range(1, 7):
        share = float(explained[k - 1])
        assert AutoencoderFeatureSelector(share - 1e-6, **RIDGE).fit(X).n_features_ == k
    assert AutoencoderFeatureSelector(**RIDGE).fit(X).n_features_ == 3


@pytest.mark.parametrize(
    ("asked", "named"),
    [(0, "0"), (8, "n_features_to_select <= 7"), ("two", "'two'"), (1.5, "1.5"), (np.nan, "nan")],
)
def test_other_numbers_are_refused_and_nothing_is_lost(asked, named):
    X = correlated()
    selector = AutoencoderFeatureSelector(2, **RIDGE)
    for fitted in (False, True):
        if fitted:
            selector.set_params(n_features_to_select=2).fit(X)
        before = selector.get_support() if fitted else None
        with pytest.raises(ValueError, match=named):
            selector.set_params(n_features_to_select=asked).fit(X)
        assert hasattr(selector, "ranking_") == fitted
        if fitted:
            assert_array_equal(selector.get_support(), before)
            assert selector.inverse_transform(X[:, before]).shape == X.shape


def test_a_refit_that_fails_midway_loses_nothing():
    X = correlated()
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(X)
    X_bad = X[:, :5].copy()
    X_bad[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        selector.fit(X_bad)
    frame = pd.DataFrame(X[:, :4], columns=list("abcd")).assign(a=X_bad[:, 0])
    with pytest.raises(ValueError, match="Column 'a' of X contains infinity; replace it"):
        selector.fit(frame)
    assert selector.n_features_in_ == 7
    assert not hasattr(selector, "feature_names_in_")
    assert selector.transform(X).shape == (60, 2)


@pytest.mark.parametrize(
    "X",
    [
        np.ones((30, 4)),
        np.tile([1.0, 2.0, 3.0], (30, 1)),
        np.arange(30.0)[:, None],
        correlated(n=3),
        correlated(n=1),
        correlated(n=22),
        np.hstack([correlated(n=40, p=2), np.ones((40, 3))]),
        np.repeat(correlated(n=4), 10, axis=0),
        correlated(n=40) * 1e150,
        correlated(n=40) * 1e-150,
        correlated(n=40) + 1e9,
    ],
    ids=lambda X: str(X.shape),
)
@pytest.mark.parametrize("k", [None, 0.5])
def test_odd_rows_have_a_finite_answer(X, k):
    selector = AutoencoderFeatureSelector(k, **RIDGE).fit(X)
    rebuilt = selector.inverse_transform(selector.transform(X))
    assert rebuilt.shape == X.shape
    assert np.isfinite(rebuilt).all()
    assert np.isfinite(selector.feature_importances_).all()
    assert_array_equal(np.sort(selector.ranking_), np.arange(1, X.shape[1] + 1))
    constant = np.ptp(X, axis=0) == 0
    assert_array_equal(rebuilt[:, constant], X[:, constant])


def test_constants_are_kept_last():
    X = np.hstack([np.ones((60, 2)), correlated(p=3)])
    assert_array_equal(AutoencoderFeatureSelector(3, **RIDGE).fit(X).ranking_[:2], [4, 5])
    kept = AutoencoderFeatureSelector(4, **RIDGE).fit(X)
    assert kept.get_support().tolist() == [True, False, True, True, True]
    assert_array_equal(kept.inverse_transform(kept.transform(X)), X)


def test_few_different_rows_are_selected_linearly():
    X = np.repeat(parabolas(15), 20, axis=0)
    selector = AutoencoderFeatureSelector(2, random_state=0).fit(X)
    assert tuple(selector.selection_) == ("linear", None, None)
    assert selector.decoder_selection_.kept == "mean"
    assert selector.estimator_ is None


# Groups, weights, frames, missing cells


def test_groups_are_kept_together():
    X = parabolas()
    groups = [[0, 1], [2, 4], [-1]]
    selector = AutoencoderFeatureSelector(1, groups=groups, **RIDGE).fit(X)
    assert_array_equal(selector.get_support(indices=True), [2, 4])
    assert selector.ranking_[2] == selector.ranking_[4] == 1
    assert selector.ranking_[0] == selector.ranking_[1]
    assert selector.feature_importances_[2] == selector.feature_importances_[4]
    assert selector.ranking_.max() == 5
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    named = AutoencoderFeatureSelector(1, groups=[["a", "b"], ["c", "e"]], **RIDGE).fit(frame)
    assert list(named.get_feature_names_out()) == ["c", "e"]


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ([[0, 7]], "7, which is no column"),
        ([[0, 1], [1]], "1 twice"),
        ([["a"]], "'a', which is no column"),
        ([0, 1], "brackets"),
        (["ab"], "'ab', which is no list"),
    ],
)
def test_groups_that_are_none_are_named(groups, named):
    with pytest.raises(ValueError, match=named):
        AutoencoderFeatureSelector(1, groups=groups).fit(correlated())


def test_more_groups_than_there_are_are_refused():
    with pytest.raises(ValueError, match="exceeds the 2 groups of X"):
        AutoencoderFeatureSelector(3, groups=[[0, 1, 2], [3, 4, 5, 6]]).fit(correlated())


def test_weights_are_numbers_of_rows():
    X = parabolas(120)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, 120)
    order = rng.permutation(weight.sum())
    a = AutoencoderFeatureSelector(2, **RIDGE).fit(X, sample_weight=weight)
    b = AutoencoderFeatureSelector(2, **RIDGE).fit(np.repeat(X, weight, axis=0)[order])
    c = AutoencoderFeatureSelector(2, **RIDGE).fit(X, sample_weight=weight * 1e300)
    for other in (b, c):
        assert_array_equal(a.ranking_, other.ranking_)
        assert_allclose(a.feature_importances_, other.feature_importances_, atol=1e-5)
        assert_allclose(a.selection_[1:], other.selection_[1:], rtol=1e-4)


def mixed(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=n)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "level": 3.0 * kind + 0.01 * rng.normal(size=n),
            "kind": pd.Categorical.from_codes(kind, ["x", "y", "z"]),
            "text": np.array(["a", "b", "c"])[kind],
            "number": x,
            "double": 2 * x,
            "whole": np.round(5 * x).astype(int),
            "flag": x > 0,
            "day": pd.Timestamp(2020, 1, 1) + pd.to_timedelta(np.round(100 * x), "D"),
            "same": 4,
        },
        index=np.arange(n) + 3,
    )


def test_frames_of_mixed_columns():
    frame = mixed()
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(frame)
    kept = selector.transform(frame)
    pd.testing.assert_frame_equal(kept, frame[list(selector.get_feature_names_out())])
    # One column of those that follow the kind, and one of those that follow the number.
    assert len(set(kept) & {"level", "kind", "text"}) == 1
    back = selector.inverse_transform(kept)
    pd.testing.assert_frame_equal(back.iloc[:, :0], frame.iloc[:, :0])
    assert (back.dtypes == frame.dtypes).all()
    for name in ("kind", "text", "same"):
        assert (back[name].astype(str) == frame[name].astype(str)).mean() > 0.99
    assert_allclose(back["double"], frame["double"], atol=0.3)
    assert selector.ranking_[-1] == 9


def test_polars_frames_come_back_as_such():
    frame = pl.from_pandas(mixed().drop(columns="kind"))
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(frame)
    kept = selector.transform(frame)
    assert isinstance(kept, pl.DataFrame)
    back = selector.inverse_transform(kept)
    assert back.schema == frame.schema
    assert back.select(kept.columns).equals(kept)


def test_an_array_or_another_frame_is_rebuilt_as_what_fit_saw():
    frame = pd.DataFrame(parabolas(), columns=list("abcdefg"))
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(frame)
    kept = selector.transform(frame)
    expected = selector.inverse_transform(kept)
    for other in (kept.to_numpy(), pl.from_pandas(kept)):
        found = selector.inverse_transform(other)
        assert_allclose(found.to_numpy(), expected.to_numpy())
        assert list(found) == list("abcdefg")
    with pytest.raises(ValueError, match="3 columns, but 2 are kept; pass what transform"):
        selector.inverse_transform(frame[["a", "b", "c"]])
    with pytest.raises(ValueError, match=r"\['e', 'c'\], but \['c', 'e'\] are kept"):
        selector.inverse_transform(kept[["e", "c"]])


def test_what_is_no_kept_row_is_refused():
    X = correlated()
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(X)
    with pytest.raises(ValueError, match="7 columns, but 2 are kept"):
        selector.inverse_transform(X)
    with pytest.raises(ValueError, match="infinity"):
        selector.inverse_transform([[np.inf, 0.0]])
    with pytest.raises(TypeError, match="toarray"):
        selector.inverse_transform(csr_array(X[:, :2]))
    with pytest.raises(TypeError, match="toarray"):
        selector.fit(csr_array(X))
    assert selector.inverse_transform([[0.5, 1.0]]).shape == (1, 7)


def test_whole_numbers_and_single_precision_stay_what_they_are():
    X = np.round(20 * correlated()).astype(np.int64)
    selector = AutoencoderFeatureSelector(3, **RIDGE).fit(X)
    assert selector.transform(X).dtype == np.int64
    assert_array_equal(selector.transform(X), X[:, selector.get_support()])
    single = selector.transform(X.astype(np.float32))
    assert single.dtype == np.float32
    assert selector.inverse_transform(single).dtype == np.float32


def test_missing_cells():
    X = parabolas(400)
    holed = np.where(np.random.default_rng(3).random(X.shape) < 0.1, np.nan, X)
    holed[5] = np.nan
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(holed)
    assert_array_equal(selector.get_support(indices=True), [2, 4])
    kept = selector.transform(holed)
    assert_array_equal(kept, holed[:, [2, 4]])
    rebuilt = selector.inverse_transform(kept)
    assert_array_equal(rebuilt[:, [2, 4]], kept)
    dropped = rebuilt[:, [0, 1, 3, 5, 6]]
    assert np.isfinite(dropped).all()
    whole = ~np.isnan(kept).any(axis=1)
    assert np.abs(dropped - X[:, [0, 1, 3, 5, 6]])[whole].mean() < 0.12
    empty = np.hstack([holed, np.full((400, 1), np.nan)])
    selector = AutoencoderFeatureSelector(2, **RIDGE).fit(empty)
    assert selector.ranking_[-1] == 8
    assert_array_equal(selector.inverse_transform(kept)[:, -1], 0.0)


# The decoder


def test_a_network_is_kept_only_if_held_out_rows_prefer_it():
    rng = np.random.default_rng(0)
    t = rng.uniform(-3, 3, (1_500, 2))
    X = np.column_stack([t, np.sign(np.sin(4 * t.sum(axis=1))), np.sign(t[:, 0]) * t[:, 1]])
    own = Autoencoder(4, hidden_layer_sizes=(64, 64), random_state=0, max_iter=40)
    selector = AutoencoderFeatureSelector(2, estimator=own, random_state=0).fit(X)
    kept, ridge_loss, network_loss = selector.decoder_selection_
    assert (kept == "network") == (network_loss < ridge_loss) or kept == "ridge"
    assert (selector.estimator_ is None) == (kept == "ridge")
    rebuilt = selector.inverse_transform(selector.transform(X))
    assert_array_equal(rebuilt[:, selector.get_support()], selector.transform(X))
    X = correlated(n=300)
    lines = AutoencoderFeatureSelector(3, estimator=clone(own), random_state=0).fit(X)
    assert lines.decoder_selection_.kept == "ridge"


def test_an_estimator_is_fitted_to_what_the_ridge_rebuilds():
    X = parabolas()
    own = Autoencoder(3, max_iter=0)
    selector = AutoencoderFeatureSelector(2, estimator=own, random_state=0).fit(X)
    assert not hasattr(own, "n_iter_")
    assert selector.decoder_selection_.network_loss is not None


# Elsewhere


def test_it_is_the_same_again_and_after_pickling():
    X = parabolas()
    fitted = AutoencoderFeatureSelector(3, **RIDGE).fit(X)
    again = AutoencoderFeatureSelector(3, **RIDGE).fit(X)
    loaded = pickle.loads(pickle.dumps(fitted))
    for other in (again, loaded):
        assert_array_equal(other.ranking_, fitted.ranking_)
        kept = fitted.transform(X)
        assert_array_equal(other.inverse_transform(kept), fitted.inverse_transform(kept))
    assert loaded.selection_ == fitted.selection_


def test_the_order_of_rows_does_not_matter():
    X = parabolas(150)
    a = AutoencoderFeatureSelector(3, **RIDGE).fit(X)
    b = AutoencoderFeatureSelector(3, **RIDGE).fit(X[::-1])
    assert_array_equal(a.ranking_, b.ranking_)


def test_in_a_pipeline_and_a_search():
    X = parabolas(80)
    y = X[:, 2] > 0
    selector = AutoencoderFeatureSelector(estimator="ridge", random_state=0)
    pipeline = make_pipeline(selector, LogisticRegression())
    name = "autoencoderfeatureselector__n_features_to_select"
    search = GridSearchCV(pipeline, {name: [1, 2]}, cv=2).fit(X, y)
    assert search.best_params_[name] in (1, 2)
    assert search.best_score_ > 0.9


def test_docstring_has_every_learned_attribute():
    fitted = AutoencoderFeatureSelector(**RIDGE).fit(correlated())
    doc = NumpyDocString(AutoencoderFeatureSelector.__doc__)
    documented = {p.name for p in doc["Attributes"]}
    learned = {n for n in vars(fitted) if n.endswith("_") and n[0] != "_"}
    learned |= {"decoder_selection_", "estimator_", "device_"}
    assert documented == learned | {"feature_names_in_"}
