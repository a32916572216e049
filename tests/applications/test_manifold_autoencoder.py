"""Codes of new rows, and rows of codes, by what a manifold learner says of some rows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.manifold import (
    TSNE,
    Isomap,
    LocallyLinearEmbedding,
    SpectralEmbedding,
    trustworthiness,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import (
    Autoencoder,
    LocalStress,
    ManifoldAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.applications import _manifold as parts
from sklearn_ae.applications._manifold import _choice
from sklearn_ae.metrics import reconstruction_r2
from sklearn_ae.runtime import Seeds


def roll_of(n, noise=0.0, seed=0):
    """Rows on a Swiss roll, and where they are once it is flat."""
    rng = np.random.default_rng(seed)
    t, height = 1.5 * np.pi * (1 + 2 * rng.random(n)), 21 * rng.random(n)
    rows = np.column_stack([t * np.cos(t), height, t * np.sin(t)])
    arc = (t * np.sqrt(1 + t**2) + np.arcsinh(t)) / 2
    return rows + noise * rng.standard_normal(rows.shape), np.column_stack([arc, height])


def r2(rows, rebuilt):
    return 1 - np.square(rows - rebuilt).sum() / np.square(rows - rows.mean(axis=0)).sum()


@pytest.fixture(scope="module")
def roll():
    return roll_of(1600, seed=2)


@pytest.fixture(scope="module")
def fitted(roll):
    return ManifoldAutoencoder(random_state=0).fit(roll[0][:1200])


class Given(BaseEstimator):
    """Returns what it was given."""

    def __init__(self, codes=None):
        self.codes = codes

    def fit_transform(self, X, y=None):
        return self.codes


@pytest.mark.filterwarnings("ignore:The number of connected components:UserWarning")
@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
@parametrize_with_checks(
    [
        ManifoldAutoencoder(random_state=0),
        ManifoldAutoencoder(PCA(), encoder="medoids", decoder="averages", random_state=0),
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_a_roll_comes_out_flat_and_unseen_rows_come_back(roll, fitted):
    rows, flat = roll[0][1200:], roll[1][1200:]
    codes = fitted.transform(rows)
    assert fitted.encoder_ == "charts"
    assert fitted.decoder_ in ("charts", "nystroem")
    assert spearmanr(pdist(codes), pdist(flat))[0] > 0.999
    assert r2(rows, fitted.inverse_transform(codes)) > 0.999
    folded = PCA(2).fit(roll[0][:1200]).transform(rows)
    assert spearmanr(pdist(folded), pdist(flat))[0] < 0.5
    assert reconstruction_r2(fitted, rows) > 0.999
    np.testing.assert_array_equal(
        fitted.reconstruct(rows), fitted.inverse_transform(fitted.transform(rows))
    )
    scores = fitted.score_samples(rows)
    np.testing.assert_allclose(scores, -np.square(rows - fitted.reconstruct(rows)).sum(axis=1))
    assert fitted.score(rows) == pytest.approx(scores.mean())
    assert fitted.score(1.1 * rows) < 50 * fitted.score(rows)


def test_codes_are_those_of_the_learner(roll, fitted):
    expected = Isomap(n_neighbors=10).fit_transform(roll[0][:1200])
    np.testing.assert_allclose(np.abs(fitted.embedding_), np.abs(expected), atol=1e-6)
    np.testing.assert_array_equal(fitted.sample_indices_, np.arange(1200))
    assert r2(fitted.embedding_, fitted.transform(roll[0][:1200])) > 0.999
    assert set(fitted.validation_trustworthiness_) == set(fitted.validation_r2_) == set(parts.MAPS)
    gain = fitted.validation_r2_[fitted.decoder_] - fitted.validation_r2_["charts"]
    assert gain == 0 or gain > 0.002


@pytest.mark.parametrize("p", [3, 40])
def test_charts_are_exact_where_the_map_is_affine(p):
    # 40 columns are more than the rows of a chart.
    rng = np.random.default_rng(0)
    A = rng.standard_normal((300, 2)) @ rng.standard_normal((2, p))
    B = A[:, :2] @ [[1.0, 2.0], [-1.0, 0.5]] + 3
    charts = parts.make_map("charts", None).fit(A, B, Seeds.of(0))
    held_out = A[:50] * 0.9
    exact = held_out[:, :2] @ [[1.0, 2.0], [-1.0, 0.5]] + 3
    np.testing.assert_allclose(charts(held_out), exact, atol=0.02)


def test_charts_are_continuous(roll):
    A = parts.Affine(roll[0]).standard(roll[0])
    charts = parts.make_map("charts", None).fit(A, roll[1] / 30, Seeds.of(0))
    along = np.linspace(A[0], A[1], 20_001)
    step = np.linalg.norm(np.diff(charts(along), axis=0), axis=1)
    assert step.max() < 0.02


def test_a_medoid_is_one_of_the_codes_and_an_average_is_not():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((60, 3)), rng.standard_normal((60, 2))
    medoids = parts.make_map("medoids", None).fit(A, B, Seeds.of(0))(A)
    assert {tuple(row) for row in medoids} <= {tuple(row) for row in B}
    near = np.argsort(np.linalg.norm(A - A[7], axis=1))[:5]
    total = np.linalg.norm(B[near][:, None] - B[near], axis=2).sum(axis=1)
    np.testing.assert_array_equal(medoids[7], B[near[total.argmin()]])
    averages = parts.make_map("averages", 10).fit(A, B, Seeds.of(0))
    assert len(averages.values) == 10
    inside = averages(A)
    assert (inside.min(axis=0) > B.min(axis=0)).all()
    assert (inside.max(axis=0) < B.max(axis=0)).all()


def test_a_kernel_ridge_with_all_rows_is_that_of_its_formula():
    rng = np.random.default_rng(0)
    A = rng.uniform(-1, 1, (200, 2))
    B = np.column_stack([np.sin(3 * A[:, 0]), A[:, 0] * A[:, 1]])
    kernel = parts.make_map("nystroem", None).fit(A, B, Seeds.of(0))
    assert np.abs(kernel(A) - B).max() < 0.01
    network = parts.make_map("network", None).fit(A, B, Seeds.of(0))
    assert np.square(network(A) - B).mean() < 0.1 * B.var()


def test_the_trustworthiness_of_all_rows_is_that_of_scikit_learn():
    X = load_digits().data[:200]
    Z = PCA(2).fit_transform(X)
    distances = np.linalg.norm(X[:, None] - X, axis=2)
    found = []
    for i in range(200):
        others = np.arange(200) != i
        found.append(
            _choice._trustworthiness(distances[i : i + 1, others], Z[i : i + 1], Z[others])[0]
        )
    # Ranks are among 199 rows; scikit-learn divides as if among 200.
    scale = (2 * 199 - 16) / (2 * 200 - 16)
    assert 1 - (1 - np.mean(found)) * scale == pytest.approx(trustworthiness(X, Z), abs=1e-3)


@pytest.fixture(scope="module")
def torn():
    return TSNE(random_state=0, max_iter=250).fit_transform(load_digits().data[:700])


@pytest.mark.parametrize(("n_landmarks", "decoder"), [(400, "averages"), (None, "auto")])
def test_new_digits_land_in_the_clusters_of_a_torn_embedding(torn, n_landmarks, decoder):
    X = load_digits().data[:900]
    options = {"n_landmarks": n_landmarks, "decoder": decoder, "random_state": 0}
    model = ManifoldAutoencoder(Given(torn), **options).fit(X[:700])
    assert model.encoder_ == "medoids"
    own = trustworthiness(X[:700], model.embedding_)
    assert trustworthiness(X[700:], model.transform(X[700:])) > 0.96 * own
    linear = PCA(2).fit(X[:700])
    by_pca = linear.inverse_transform(linear.transform(X[700:]))
    assert r2(X[700:], model.reconstruct(X[700:])) > 1.5 * r2(X[700:], by_pca)


@pytest.mark.parametrize(
    "learner", [SpectralEmbedding(n_neighbors=7), LocallyLinearEmbedding(n_neighbors=10)]
)
def test_any_learner_has_codes_of_new_rows(learner, roll):
    options = {"encoder": "charts", "decoder": "charts", "random_state": 0}
    model = ManifoldAutoencoder(learner, **options).fit(roll[0][:600])
    assert model.transform(roll[0][600:]).shape == (1000, 2)
    assert r2(model.embedding_, model.transform(roll[0][:600])) > 0.97


def test_an_autoencoder_has_maps_of_its_own(roll):
    learner = Autoencoder(penalties=(LocalStress(),), max_iter=5)
    model = ManifoldAutoencoder(learner, random_state=0).fit(roll[0][:400])
    assert model.encoder_ == model.decoder_ == "autoencoder"
    np.testing.assert_allclose(model.embedding_, model.transform(roll[0][:400]), atol=1e-9)
    np.testing.assert_array_equal(
        model.reconstruct(roll[0][400:]), model.estimator_.reconstruct(roll[0][400:])
    )
    assert model.estimator_.random_state is not None
    own = parts.learner_of("autoencoder", 3, 400, "cpu", None, Seeds.of(0))
    assert isinstance(own.penalties[0], LocalStress)
    assert own.n_components == 3
    given = ManifoldAutoencoder(Autoencoder(3, max_iter=1), 3, decoder="charts", random_state=0)
    given.fit(roll[0][:400])
    assert (given.encoder_, given.decoder_) == ("autoencoder", "charts")
    given.set_params(embedding=None, n_components=2).fit(roll[0][:400])
    assert not hasattr(given, "estimator_")


def test_many_rows_are_embedded_by_some_of_them(roll):
    # With more neighbours, paths in so few rows lead from sheet to sheet.
    model = ManifoldAutoencoder(Isomap(n_neighbors=6), max_samples=800, random_state=0)
    model.set_params(encoder="charts", decoder="charts").fit(roll[0])
    assert model.embedding_.shape == (800, 2)
    assert len(np.unique(model.sample_indices_)) == 800
    codes = model.transform(roll[0])
    assert spearmanr(pdist(codes[::3]), pdist(roll[1][::3]))[0] > 0.99
    state = pickle.dumps(model)
    # Without the codes of embedded rows and a landmark for ten of them there is nothing.
    assert len(state) < 80_000
    np.testing.assert_array_equal(pickle.loads(state).transform(roll[0]), codes)


def test_frames_come_back_as_they_came(roll):
    frame = pd.DataFrame(roll[0][:300], columns=["x", "y", "z"], index=np.arange(300) + 7)
    model = ManifoldAutoencoder(random_state=0).set_output(transform="pandas").fit(frame)
    codes = model.transform(frame)
    assert list(codes.columns) == ["manifoldautoencoder0", "manifoldautoencoder1"]
    for rebuilt in (model.inverse_transform(codes), model.reconstruct(frame)):
        assert list(rebuilt.columns) == ["x", "y", "z"]
        assert (rebuilt.index == frame.index).all()
    assert model.transform(frame.astype(np.float32)).dtypes.iloc[0] == np.float32


def test_widths_are_searched(roll):
    model = ManifoldAutoencoder(Isomap(n_neighbors=8), encoder="charts", decoder="charts")
    search = GridSearchCV(
        make_pipeline(model), {"manifoldautoencoder__n_components": [1, 2]}, cv=2
    ).fit(roll[0][:500])
    assert search.best_params_ == {"manifoldautoencoder__n_components": 2}
    assert "nan" not in str(search.cv_results_["mean_test_score"])


def test_rows_that_are_equal_are_one():
    rows = np.repeat(roll_of(40)[0], 5, axis=0)
    model = ManifoldAutoencoder(PCA(), random_state=0).fit(rows)
    assert np.isfinite(model.reconstruct(rows)).all()
    constant = ManifoldAutoencoder(Given(np.ones((60, 2))), encoder="charts", decoder="charts").fit(
        np.ones((60, 3))
    )
    np.testing.assert_allclose(constant.reconstruct(np.ones((2, 3))), 1.0)


@pytest.mark.parametrize("unit", [2.0**-30, 2.0**30])
def test_units_do_not_count(unit, roll):
    options = {"encoder": "charts", "decoder": "charts", "random_state": 0}
    model = ManifoldAutoencoder(PCA(), **options).fit(roll[0][:300])
    other = ManifoldAutoencoder(PCA(), **options).fit(unit * roll[0][:300])
    expected = unit * model.reconstruct(roll[0][300:400])
    np.testing.assert_allclose(other.reconstruct(unit * roll[0][300:400]), expected, rtol=1e-6)


NOT_FINITE = np.where(np.arange(40)[:, None] == 3, np.nan, np.ones((40, 2)))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (ManifoldAutoencoder(object()), TypeError, "has no fit_transform; give a learner"),
        (ManifoldAutoencoder(Isomap), TypeError, "has no fit_transform; give a learner"),
        (ManifoldAutoencoder("isomap"), TypeError, "embedding='isomap' has no fit_transform"),
        (
            ManifoldAutoencoder(Isomap(n_neighbors=40)),
            ValueError,
            r"n_neighbors=40 of Isomap exceeds the 39 other rows .*use embedding=Isomap\(n_neigh",
        ),
        (
            ManifoldAutoencoder(TSNE(perplexity=50)),
            ValueError,
            r"TSNE cannot embed X of shape \(40, 3\).*perplexity.*Set its parameters",
        ),
        (ManifoldAutoencoder(Given(NOT_FINITE)), ValueError, r"returned \[nan, nan\] for row 3"),
        (ManifoldAutoencoder(Given(np.ones((40, 2)) * 1j)), ValueError, "numbers are complex"),
        (ManifoldAutoencoder(Given("code")), ValueError, "returned 'code' for 40 rows"),
        (ManifoldAutoencoder(Given(np.ones(40))), ValueError, r"shape \(40,\) for 40 rows"),
        (ManifoldAutoencoder(Given(np.ones((40, 3)))), ValueError, r"shape \(40, 3\) for 40 rows"),
        (ManifoldAutoencoder(Given(np.ones((39, 2)))), ValueError, r"shape \(39, 2\) for 40 rows"),
        (ManifoldAutoencoder(PCA(3)), ValueError, "n_components=2, but embedding=.*set n_comp"),
        (ManifoldAutoencoder(encoder="chart"), ValueError, "'encoder' parameter"),
    ],
)
def test_what_cannot_be_embedded_is_named(model, error, message, roll):
    with pytest.raises(error, match=message):
        model.fit(roll[0][:40])
    with pytest.raises(NotFittedError):
        model.transform(roll[0][:40])


def test_a_fit_that_fails_leaves_what_was(roll):
    model = ManifoldAutoencoder(random_state=0).fit(roll[0][:100])
    # There are too few rows for one.
    assert "network" not in model.validation_trustworthiness_
    before = model.transform(roll[0])
    model.set_params(embedding=Isomap(n_neighbors=60))
    with pytest.raises(ValueError, match="n_neighbors=60"):
        model.fit(roll[0][:50])
    np.testing.assert_array_equal(model.transform(roll[0]), before)
    with pytest.raises(ValueError, match="X has 3 columns, but codes have 2"):
        model.inverse_transform(roll[0])
    few = ManifoldAutoencoder(random_state=0).fit(roll[0][:8])
    assert few.encoder_ == few.decoder_ == "charts"
    assert few.validation_r2_ is few.validation_trustworthiness_ is None


def test_parameters_of_a_learner_that_is_not_there_are_named(roll):
    search = GridSearchCV(ManifoldAutoencoder(), {"embedding__n_neighbors": [4]}, cv=2)
    with pytest.raises(ValueError, match=r"n_neighbors=4.*embedding=None.*embedding=Isomap\(\)"):
        search.fit(roll[0][:60])
    both = ManifoldAutoencoder().set_params(embedding__n_neighbors=4, embedding=Isomap())
    assert both.embedding.n_neighbors == 4
    with pytest.raises(ValueError, match=r"beta=2.*latent=None.*such as latent=Gaussian\(\)"):
        VariationalAutoencoder().set_params(latent__beta=2)


@pytest.mark.parametrize("name", parts.MAPS[:-1])
def test_rows_at_any_distance_have_codes_and_scores(name):
    rows = roll_of(60)[0]
    model = ManifoldAutoencoder(PCA(), encoder=name, decoder=name, random_state=0).fit(rows)
    for far in (1e150 * rows, 1e250 * rows):
        assert np.isfinite(model.inverse_transform(model.transform(far))).all()
        assert np.isfinite(model.score_samples(far)).all()


def test_seeds_reach_the_learner(roll):
    learner = TSNE(init="random", max_iter=250)
    models = [ManifoldAutoencoder(learner, random_state=seed) for seed in (0, 0, 1)]
    first, same, other = (model.fit(roll[0][:60]).embedding_ for model in models)
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)
    assert learner.random_state is None
