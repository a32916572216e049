"""Rows with missing cells: read with a mask, and judged by what was observed."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)

SHORT = {"max_iter": 3, "hidden_layer_sizes": (16,), "random_state": 0}
VARIANTS = [
    Autoencoder(2, **SHORT),
    Autoencoder(2, tied_weights=True, **SHORT),
    Autoencoder(2, init="random", loss="huber", **SHORT),
    ContractiveAutoencoder(2, **SHORT),
    DenoisingAutoencoder(2, **SHORT),
    SparseAutoencoder(6, **SHORT),
    StackedAutoencoder(2, **SHORT),
    VariationalAutoencoder(2, **SHORT),
]
EVERY = pytest.mark.parametrize("estimator", VARIANTS, ids=str)


def with_holes(X: np.ndarray, share: float = 0.2, columns: int | None = None) -> np.ndarray:
    missing = np.random.default_rng(0).random(X.shape) < share
    missing[:, columns:] &= columns is None
    return np.where(missing, np.nan, X)


@pytest.mark.usefixtures("few_folds")
@EVERY
def test_every_variant_takes_missing_cells(estimator, iris):
    X = with_holes(iris)
    X[3] = np.nan
    fitted = clone(estimator).fit(X)
    for method in ("transform", "reconstruct", "score_samples", "decision_function"):
        assert np.isfinite(getattr(fitted, method)(X)).all(), method
    errors = fitted.reconstruction_errors(X)
    assert_array_equal(np.isnan(errors), np.isnan(X))
    fitted.set_params(max_iter=1).partial_fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))


@pytest.mark.parametrize("estimator", [v for v in VARIANTS if v.init == "pca"], ids=str)
def test_missing_cells_have_no_part_in_the_loss(estimator, iris):
    """A column that is never observed changes nothing but the width."""
    empty = np.full((len(iris), 1), np.nan)
    fitted = clone(estimator).set_params(max_iter=0).fit(iris)
    wider = clone(estimator).set_params(max_iter=0).fit(np.hstack([iris, empty]))
    X = np.hstack([iris, empty])
    assert_allclose(wider.reconstruct(X)[:, :4], fitted.reconstruct(iris), atol=0.3)
    assert_array_equal(wider.reconstruct(X)[:, 4], 0)


def test_scores_are_means_over_what_was_observed(iris):
    X = with_holes(iris)
    fitted = Autoencoder(2, **SHORT).fit(X)
    errors = fitted.reconstruction_errors(X)
    some = ~np.isnan(errors).all(axis=1)
    assert_allclose(fitted.score_samples(X)[some], -4 * np.nanmean(errors[some], axis=1))


def test_a_row_without_an_observed_cell_has_no_error(iris):
    fitted = Autoencoder(2, **SHORT).fit(with_holes(iris))
    row = np.full((1, 4), np.nan)
    assert fitted.score_samples(row) == 0
    assert np.isfinite(fitted.transform(row)).all()


def test_the_scale_of_a_column_is_that_of_its_observed_cells(iris):
    X = with_holes(iris, columns=1)
    scaling = Autoencoder(2, **SHORT).fit(X)._model.scaling
    assert_allclose(scaling.mean, np.nanmean(X, axis=0))
    assert_allclose(scaling.scale, np.nanstd(X, axis=0))


@pytest.mark.parametrize("estimator", VARIANTS[:-1], ids=str)
def test_cells_that_are_missing_for_the_first_time_are_read_as_the_mean(estimator, iris):
    fitted = clone(estimator).fit(iris)
    filled = with_holes(iris)
    missing = np.isnan(filled)
    filled = np.where(missing, iris.mean(axis=0), iris)
    assert_allclose(fitted.transform(with_holes(iris)), fitted.transform(filled), atol=1e-6)


def test_hidden_cells_are_rebuilt_better_than_by_their_mean(cancer):
    X = StandardScaler().fit_transform(cancer)
    missing = np.random.default_rng(1).random(X.shape) < 0.2
    fitted = Autoencoder(4, random_state=0, max_iter=15).fit(np.where(missing, np.nan, X))
    rebuilt = fitted.reconstruct(np.where(missing, np.nan, X))
    assert np.square(rebuilt - X)[missing].mean() < 0.6 * np.square(X)[missing].mean()


def test_the_mask_is_seen():
    """A column that is missing exactly where another is high tells of the other."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(1200, 1))
    X = np.hstack([a, rng.normal(size=(1200, 2)), np.where(a > 0, np.nan, 1.0 + 0 * a)])
    X[:, 3] += rng.normal(size=1200)
    hidden = X.copy()
    hidden[:, 0] = np.nan
    train = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    train[:, 3] = X[:, 3]
    fitted = DenoisingAutoencoder(random_state=0, max_iter=30).fit(train)
    rebuilt = fitted.reconstruct(hidden)[:, :1]
    assert LinearRegression().fit(rebuilt, a).score(rebuilt, a) > 0.2


def test_weights_and_repeated_rows_agree(iris):
    X = with_holes(iris)[:15]
    weight = np.arange(15) % 3
    weighted = Autoencoder(2, random_state=0).fit(X, sample_weight=weight)
    repeated = Autoencoder(2, random_state=0).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-6, atol=1e-7)


def test_without_a_hole_nothing_changes(iris):
    fitted = Autoencoder(2, max_iter=0).fit(iris)
    pca = PCA(2).fit(iris)
    rebuilt = pca.inverse_transform(pca.transform(iris))
    assert_allclose(fitted.reconstruct(iris), rebuilt, rtol=1e-5)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_holes_of_frames(library, iris):
    frames = pytest.importorskip(library)
    cells = [[None if np.isnan(v) else v for v in column] for column in with_holes(iris).T]
    frame = frames.DataFrame(dict(zip("abcd", cells, strict=True)))
    fitted = Autoencoder(2, **SHORT).fit(frame)
    assert_allclose(
        fitted.transform(frame), Autoencoder(2, **SHORT).fit_transform(with_holes(iris))
    )
    assert type(fitted.reconstruct(frame)) is type(frame)


def test_pandas_missing_values(iris):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(with_holes(iris), columns=list("abcd")).convert_dtypes()
    assert frame["a"].isna().any()
    fitted = Autoencoder(2, **SHORT).fit(frame)
    assert np.isfinite(fitted.transform(frame)).all()


def test_grid_search_over_rows_with_holes(iris):
    pipe = make_pipeline(StandardScaler(), Autoencoder(2, **SHORT))
    search = GridSearchCV(pipe, {"autoencoder__n_components": [1, 2]}, cv=3)
    assert np.isfinite(search.fit(with_holes(iris)).cv_results_["mean_test_score"]).all()


def test_clean_rows_may_have_holes(iris):
    noisy = iris + np.random.default_rng(0).normal(scale=0.2, size=iris.shape)
    fitted = DenoisingAutoencoder(**SHORT).fit(noisy, X_clean=with_holes(iris))
    assert np.isfinite(fitted.score(noisy, X_clean=with_holes(iris)))
    assert np.isfinite(fitted.reconstruct(noisy)).all()


def test_float32_stays(iris):
    X = with_holes(iris).astype(np.float32)
    fitted = Autoencoder(2, **SHORT).fit(X)
    assert fitted.transform(X).dtype == np.float32
    assert fitted.reconstruct(X).dtype == np.float32


def _later_frame():
    rng = np.random.default_rng(6)
    return pd.DataFrame(
        {
            "a": rng.normal(size=120),
            "kind": pd.Categorical(rng.choice(list("xy"), 120)),
            "day": pd.date_range("2020-01-01", periods=120),
        }
    )


def _with_nan(rows):
    later = rows.copy()
    later[3, 1] = np.nan
    later[5] = np.nan
    return later


def _with_news(frame):
    """A missing number, a date that is none, and a level that nobody has seen."""
    later = frame.copy()
    later["kind"] = later["kind"].cat.add_categories("z")
    later.loc[3, "kind"] = "z"
    later.loc[4, "day"] = pd.NaT
    later.loc[5, "a"] = np.nan
    return later


def _levels():
    rng = np.random.default_rng(7)
    return pd.DataFrame({"a": rng.normal(size=120), "kind": rng.choice(list("uvw"), 120)})


def _with_levels(frame):
    later = frame.copy()
    later.loc[[3, 4], "kind"] = [None, "new"]
    return later


LATER = {
    "levels": (_levels(), lambda rows: _with_levels(rows)),
    "array": (np.random.default_rng(5).normal(size=(120, 4)), lambda rows: _with_nan(rows)),
    "frame": (_later_frame(), lambda rows: _with_news(rows)),
}


@pytest.mark.parametrize("kind", LATER)
@pytest.mark.parametrize("first", ["partial_fit", "fit", "warm"])
@pytest.mark.parametrize("cls", [Autoencoder, DenoisingAutoencoder, VariationalAutoencoder])
def test_what_is_missing_for_the_first_time_is_trained_on(kind, first, cls):
    rows, spoilt = LATER[kind]
    later = spoilt(rows)
    model = cls(2, **{**SHORT, "warm_start": first == "warm"})
    (model.partial_fit if first == "partial_fit" else model.fit)(rows)
    (model.fit if first == "warm" else model.partial_fit)(later)
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.transform(later)).all()
    assert np.isfinite(model.score_samples(later)).all()


def test_a_large_table_with_a_new_level_is_trained_on(monkeypatch):
    monkeypatch.setattr("sklearn_ae.data._lazy_rows.EXPANDED_CELLS", 0)
    model = Autoencoder(2, **SHORT).partial_fit(_levels()).partial_fit(_with_levels(_levels()))
    assert np.isfinite(model.loss_curve_).all()
