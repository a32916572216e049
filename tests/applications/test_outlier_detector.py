"""The outlier detector: its networks and neighbours, thresholds and p-values."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import (
    Autoencoder,
    AutoencoderOutlierDetector,
    TimeSeriesOutlierDetector,
    to_onnx,
)
from sklearn_ae.applications._outlier_detection import _ensemble
from sklearn_ae.applications._outlier_detection._calibration import (
    Calibration,
    false_discoveries_held,
)
from sklearn_ae.applications._outlier_detection._nearest import NearestRows, Scale
from sklearn_ae.applications._outlier_detection._networks import Networks

RNG = np.random.default_rng(0)
T = RNG.uniform(-2, 2, 300)
CURVE = np.column_stack([T, T**2 - 1, np.sin(2 * T), np.cos(2 * T), np.abs(T) - 1])
X = CURVE + RNG.normal(size=(300, 5)) / 20
STRANGE = 3.0 * RNG.choice([-1, 1], size=(12, 5))


@pytest.fixture
def few_steps(monkeypatch):
    """The contract does not depend on how long networks are trained."""
    monkeypatch.setattr(_ensemble, "N_STEPS", 12)


def detector(**options):
    return AutoencoderOutlierDetector(**{"random_state": 0} | options)


@pytest.mark.usefixtures("few_steps")
@parametrize_with_checks([detector(), detector(novelty=False)])
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


@pytest.mark.usefixtures("few_steps")
def test_novelty_is_that_of_the_local_outlier_factor():
    for novelty in (True, False):
        ours, theirs = detector(novelty=novelty), LocalOutlierFactor(novelty=novelty)
        for name in ("predict", "decision_function", "score_samples", "fit_predict"):
            assert hasattr(ours, name) == hasattr(theirs, name), name
    with pytest.raises(AttributeError, match="predict") as raised:
        detector(novelty=False).fit(X).predict(X)
    assert "novelty=False" in str(raised.value.__cause__)


def test_strange_rows_score_low():
    fitted = detector().fit(X)
    both = np.vstack([X, STRANGE])
    assert roc_auc_score(np.arange(len(both)) < len(X), fitted.score_samples(both)) > 0.99
    assert (fitted.predict(STRANGE) == -1).all()
    assert_array_equal(fitted.decision_function(X), fitted.score_samples(X) - fitted.offset_)
    assert_array_equal(fitted.predict(X) == -1, fitted.decision_function(X) < 0)


def test_outliers_among_the_training_rows_are_found_out_of_fold():
    rows = np.vstack([X, STRANGE])
    labels = detector(novelty=False, contamination=12 / 312).fit_predict(rows)
    assert (labels[300:] == -1).mean() > 0.9
    fitted = detector(novelty=False, training_rows="contaminated").fit(rows)
    assert roc_auc_score(np.arange(312) < 300, fitted.training_scores_) > 0.99


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("calibration", ["cross-fit", 0.5])
def test_contamination_is_the_share_of_fresh_rows(calibration):
    data = load_breast_cancer()
    inliers = data.data[data.target == 1]
    shares, flagged, n = np.array([0.05, 0.1, 0.3]), np.zeros(3), 0
    for seed in range(6):
        train, fresh = train_test_split(inliers, test_size=0.5, random_state=seed)
        fitted = detector(calibration=calibration, random_state=seed).fit(train)
        scores = fitted.score_samples(fresh)
        offsets = [fitted._calibration.threshold(share) for share in shares]
        assert fitted.offset_ == offsets[1]
        flagged += (scores[:, None] < offsets).sum(axis=0)
        n += len(fresh)
    # The splits share rows, and the rows that set the threshold are no more than the fresh ones.
    assert (np.abs(flagged / n - shares) < 4 * np.sqrt(3 * shares * (1 - shares) / n)).all()


@pytest.mark.usefixtures("few_steps")
def test_p_values_of_fresh_rows_are_uniform():
    rows = RNG.normal(size=(1200, 4)) @ RNG.normal(size=(4, 4))
    fitted = detector(calibration=0.5).fit(rows[:600])
    p = fitted.p_values(rows[600:])
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert p.min() >= 1 / 301
    assert_allclose(fitted.predict_proba(rows)[:, 0], fitted.p_values(rows))
    strange = np.vstack([rows[600:900], 20 * rows[900:930]])
    selected = fitted.select_outliers(strange, fdr=0.1)
    assert selected[300:].all()
    assert selected[:300].sum() <= 12
    assert selected.dtype == bool


def test_calibration_by_hand():
    held = Calibration(np.array([3.0, 1.0, 2.0, 4.0]), np.ones(4))
    assert_allclose(held.p_values(np.array([0.5, 1.0, 2.5, 9.0])), [0.2, 0.4, 0.6, 1.0])
    assert held.threshold(0.2) == 1.0
    assert held.threshold(0.5) == 2.5
    repeated = Calibration(np.array([3.0, 1.0, 1.0, 2.0]), np.array([1.0, 0.5, 0.5, 1.0]))
    assert_allclose(repeated.p_values(np.array([1.0])), [0.5])
    p = np.array([0.01, 0.04, 0.03, 0.9, 0.5])
    assert_array_equal(false_discoveries_held(p, 0.1), [True, True, True, False, False])
    assert_array_equal(false_discoveries_held(p, 0.001), [False] * 5)
    assert len(false_discoveries_held(np.zeros(0), 0.1)) == 0


@pytest.mark.usefixtures("few_steps")
def test_a_fence_needs_no_share():
    fitted = detector(contamination="auto").fit(np.vstack([X, STRANGE]))
    assert (fitted.predict(STRANGE) == -1).all()
    assert (fitted.predict(X) == -1).mean() < 0.1


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("training_rows", ["auto", "clean", "contaminated"])
@pytest.mark.parametrize("calibration", ["cross-fit", 0.3])
def test_refit_order_company_and_files(training_rows, calibration):
    fitted = detector(training_rows=training_rows, calibration=calibration).fit(X)
    scores = fitted.score_samples(X)
    assert_array_equal(clone(fitted).fit(X).score_samples(X), scores)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).score_samples(X), scores)
    assert_allclose(fitted.score_samples(X[::-1])[::-1], scores, rtol=1e-9, atol=1e-9)
    assert_allclose([fitted.score_samples(X[[i]])[0] for i in range(9)], scores[:9], atol=1e-9)
    other = detector(random_state=1, training_rows=training_rows).fit(X)
    assert not np.array_equal(other.score_samples(X), scores)


@pytest.mark.usefixtures("few_steps")
def test_missing_cells_and_columns_without_a_value():
    rows = X.copy()
    rows[RNG.random(rows.shape) < 0.1] = np.nan
    fitted = detector().fit(rows)
    without = rows.copy()
    without[:, 2] = np.nan
    assert np.isfinite(fitted.score_samples(without)).all()
    assert np.isfinite(fitted.score_samples(np.full((1, 5), np.nan))).all()
    empty = rows.copy()
    empty[:, 1] = np.nan
    alone = detector().fit(empty)
    filled = empty.copy()
    filled[:, 1] = 1e6
    assert_array_equal(alone.score_samples(filled), alone.score_samples(empty))


def test_rows_are_compared_with_typical_ones():
    table = np.vstack([RNG.normal(size=(188, 3)), 8 + RNG.normal(size=(12, 3)) / 50])
    scales = (Scale(200, 2), Scale(200, 8, share=0.8))
    near = NearestRows.drawn(torch.from_numpy(table), np.arange(200), scales, RNG)
    assert (near.rows[:160] < 6).all()
    assert_array_equal(np.sort(near.rows, axis=0), np.sort(table, axis=0))
    asked = 8 + RNG.normal(size=(5, 3)) / 50
    close, typical = near.distances(torch.from_numpy(asked))
    every = np.abs(asked[:, None] - near.rows[:160]).sum(axis=2)
    assert_allclose(typical, np.sort(every, axis=1)[:, :8].mean(axis=1))
    assert (close < 0.3).all()
    assert (typical > 10).all()


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("training_rows", ["auto", "contaminated"])
def test_outliers_that_are_alike_do_not_vouch_for_each_other(training_rows):
    alike = STRANGE[:1] + RNG.normal(size=(12, 5)) / 100
    fitted = detector(training_rows=training_rows, novelty=False).fit(np.vstack([X, alike]))
    assert roc_auc_score(np.arange(312) < 300, fitted.training_scores_) > 0.98


def test_a_cell_is_filled_in_by_rows_that_are_near_by_the_others():
    rows, asked = RNG.normal(size=(40, 5)).astype(np.float32), RNG.normal(size=(7, 5))
    feature = np.array([0, 1, 2, 1, 3])
    filled = NearestRows(rows, (Scale(40, 2),)).filled_in(torch.from_numpy(asked), feature)
    for one in range(4):
        group, others = np.flatnonzero(feature == one), np.flatnonzero(feature != one)
        distances = np.abs(asked[:, None, others] - rows[:, others]).sum(axis=2)
        nearest = distances.argsort(axis=1)[:, :6]
        assert_allclose(filled[:, group], np.median(rows[nearest][..., group], axis=1), rtol=1e-6)


@pytest.mark.usefixtures("few_steps")
def test_errors_of_cells_are_large_where_one_is_planted():
    rows = X[:60].copy()
    at, column = np.arange(60), np.arange(60) % 5
    rows[at, column] += 3.0
    rows[::7, 1] = np.nan
    errors = detector().fit(X).reconstruction_errors(rows)
    assert_array_equal(np.isnan(errors), np.isnan(rows))
    kept = ~np.isnan(rows[at, column])
    assert (np.nanargmax(errors, axis=1) == column)[kept].mean() > 0.9
    frame = pd.DataFrame(X, columns=list("abcde")).assign(kind=np.where(T > 0, "p", "n"))
    fitted = detector().fit(frame)
    swapped = frame.assign(kind=np.where(T > 0, "n", "p"))
    right, wrong = (fitted.reconstruction_errors(each)["kind"] for each in (frame, swapped))
    assert (wrong > right).mean() > 0.9


@pytest.mark.usefixtures("few_steps")
def test_mixed_frames():
    frame = pd.DataFrame(X, columns=list("abcde")).assign(
        kind=np.where(X[:, 0] > 0, "p", "n"), level=pd.Categorical(RNG.choice(list("uvw"), 300))
    )
    frame.loc[::7, "kind"] = None
    fitted = detector().fit(frame)
    assert fitted.feature_names_in_.tolist() == [*"abcde", "kind", "level"]
    assert np.isfinite(fitted.score_samples(frame)).all()
    swapped = frame.assign(kind=np.where(X[:, 0] > 0, "n", "p"))
    assert fitted.score_samples(swapped).mean() < fitted.score_samples(frame).mean()
    assert not hasattr(fitted.fit(X), "feature_names_in_")


@pytest.mark.usefixtures("few_steps")
def test_sparse_rows_are_those_of_arrays():
    rows = np.where(X > 0.5, X, 0)
    dense = detector().fit(rows).score_samples(rows)
    assert_allclose(detector().fit(sparse.csr_array(rows)).score_samples(rows), dense, atol=1e-6)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("factor", [1e-200, 2.0**-20, 1.0, 1e150])
def test_units_do_not_matter(factor):
    scores = detector().fit(X).score_samples(STRANGE)
    assert_allclose(detector().fit(X * factor).score_samples(STRANGE * factor), scores, rtol=1e-3)
    weight = np.full(300, 1e-200)
    assert_allclose(
        detector().fit(X, sample_weight=weight).score_samples(STRANGE), scores, rtol=1e-3
    )


@pytest.mark.usefixtures("few_steps")
def test_degenerate_tables():
    alike = detector().fit(np.ones((50, 3)))
    assert_array_equal(alike.predict(np.ones((4, 3))), 1)
    assert alike.predict(np.full((1, 3), 2.0)) == -1
    column = detector().fit(X[:, :1])
    assert np.isfinite(column.score_samples(X[:, :1])).all()
    constant = detector().fit(np.column_stack([X, np.full(300, 7.0)]))
    usual, other = np.append(X[0], 7.0)[None], np.append(X[0], 7.1)[None]
    assert constant.score_samples(other) < constant.score_samples(usual) - 1
    few = detector().fit(X[:8])
    assert np.isfinite(few.score_samples(X)).all()
    assert few.predict(1e300 * np.ones((1, 5))) == -1


@pytest.mark.usefixtures("few_steps")
def test_rows_of_weight_zero_do_not_count():
    weight = np.r_[np.ones(280), np.zeros(20)]
    fitted = detector(novelty=False).fit(X, sample_weight=weight)
    assert np.isnan(fitted.training_scores_[280:]).all()
    assert np.isfinite(fitted.training_scores_[:280]).all()
    spoilt = np.vstack([X[:280], np.full((20, 5), 1e9)])
    again = detector(novelty=False).fit(spoilt, sample_weight=weight)
    assert_array_equal(again.training_scores_[:280], fitted.training_scores_[:280])


@pytest.mark.usefixtures("few_steps")
def test_many_rows_have_one_member(monkeypatch):
    monkeypatch.setattr(_ensemble, "MANY_ROWS", 250)
    monkeypatch.setattr(_ensemble, "N_HELD_OUT", 60)
    monkeypatch.setattr(_ensemble, "MOST_ROWS", 150)
    fitted = detector(novelty=False).fit(X)
    assert np.isfinite(fitted.training_scores_).all()
    assert len(fitted._calibration.scores) == 60
    assert (fitted.fit_predict(X) == -1).mean() == pytest.approx(0.1, abs=0.06)


@pytest.mark.usefixtures("few_steps")
def test_in_a_grid_search_of_a_pipeline():
    order = RNG.permutation(len(X) + len(STRANGE))
    labels = np.r_[np.ones(len(X)), -np.ones(len(STRANGE))][order]
    choices = {"autoencoderoutlierdetector__training_rows": ["auto", "contaminated"]}
    search = GridSearchCV(
        make_pipeline(StandardScaler(), detector()), choices, scoring="roc_auc", cv=2
    )
    search.fit(np.vstack([X, STRANGE])[order], labels)
    assert search.best_score_ > 0.9


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_estimators": 0}, "n_estimators.*0"),
        ({"contamination": 0.7}, "contamination.*0.7"),
        ({"contamination": "none"}, "contamination.*none"),
        ({"calibration": 1.0}, "calibration.*1.0"),
        ({"calibration": 1e-6}, "calibration=1e-06 keeps 0 of 300 rows.*cross-fit"),
        ({"training_rows": "dirty"}, "training_rows.*dirty"),
        ({"training_rows": "clean", "estimator": Autoencoder()}, "training_rows='clean'.*default"),
        ({"device": "abacus"}, "abacus"),
        ({"estimator": StandardScaler()}, "estimator.*StandardScaler"),
    ],
)
def test_bad_parameters_are_named_and_lose_nothing(options, message):
    fitted = detector().fit(X)
    scores = fitted.score_samples(X)
    with pytest.raises(ValueError, match=message):
        clone(fitted).set_params(**options).fit(X)
    before = fitted.get_params()
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**options).fit(X)
    assert_array_equal(fitted.set_params(**before).score_samples(X), scores)


@pytest.mark.parametrize("training_rows", ["auto", "clean", "contaminated"])
def test_networks_are_trained_where_they_have_a_part(training_rows, monkeypatch):
    trained = []
    monkeypatch.setattr(Networks, "train", lambda self, *_: trained.append(self))
    fitted = detector(training_rows=training_rows).fit(X)
    assert np.isfinite(fitted.score_samples(STRANGE)).all()
    assert len(trained) == len(fitted._panel.finder.networks) == (training_rows == "auto")
    series = TimeSeriesOutlierDetector(window=8, training_rows=training_rows).fit(X)
    assert len(trained) == 1 + (training_rows == "auto")
    assert np.isfinite(series.column_scores(X)).all()


@pytest.mark.usefixtures("few_steps")
def test_bad_input_is_named():
    fitted = detector().fit(X)
    for name in ("score_samples", "p_values", "predict_proba", "select_outliers", "predict"):
        with pytest.raises(NotFittedError):
            getattr(detector(), name)(X)
        with pytest.raises(ValueError, match=r"4 features.*AutoencoderOutlierDetector"):
            getattr(fitted, name)(X[:, :4])
    with pytest.raises(ValueError, match=r"fdr=1.5.*between 0 and 1"):
        fitted.select_outliers(X, fdr=1.5)
    with pytest.raises(ValueError, match="infinity"):
        fitted.score_samples(np.full((1, 5), np.inf))
    with pytest.raises(NotImplementedError, match="estimator="):
        to_onnx(fitted, X)


def test_known_rows():
    iris = load_iris().data
    fitted = detector().fit(iris)
    assert_array_equal(fitted.predict([[5.0, 3.4, 1.5, 0.2], [5.0, 3.4, 5.5, 0.2]]), [1, -1])
