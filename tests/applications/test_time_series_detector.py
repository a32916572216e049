"""Outliers in long series: where they are, at edges and gaps, and what time is."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    TimeSeriesOutlierDetector,
    to_onnx,
)
from sklearn_ae.applications._outlier_detection import _ensemble
from sklearn_ae.applications._time_series import _fitting, _steps, default_window
from sklearn_ae.applications._time_series._blocks import held_out_blocks, windows_of_folds

PERIOD = 20


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """A fifth of the steps is enough for plain series."""
    monkeypatch.setattr(_ensemble, "N_STEPS", 100)


@pytest.fixture
def hardly_a_step(monkeypatch, few_steps):
    """The contract does not depend on how long networks are trained."""
    monkeypatch.setattr(_ensemble, "N_STEPS", 12)


def series(n, seed, noise=0.2):
    rng, t = np.random.default_rng(seed), np.arange(n)
    waves = np.column_stack([np.sin(2 * np.pi * t / PERIOD), np.cos(2 * np.pi * t / PERIOD)])
    return waves + noise * rng.normal(size=(n, 2))


def detector(*args, **options):
    return TimeSeriesOutlierDetector(*args, **{"random_state": 0, "window": PERIOD} | options)


@pytest.fixture(scope="module")
def fitted():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ensemble, "N_STEPS", 100)
        return detector().fit(series(1000, 0))


ORDER = {
    "check_methods_sample_order_invariance": "steps are in the order of time",
    "check_methods_subset_invariance": "a step is scored with those around it",
}


@pytest.mark.usefixtures("hardly_a_step")
@parametrize_with_checks(
    [TimeSeriesOutlierDetector(random_state=0), TimeSeriesOutlierDetector(novelty=False)],
    expected_failed_checks=lambda e: ORDER if e.novelty else {},
)
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


@pytest.mark.usefixtures("hardly_a_step")
def test_the_fence_lies_below_a_tenth():
    X = series(400, 3)
    offsets = [detector(contamination=c).fit(X).offset_ for c in ("auto", 0.001, 0.1, 0.5)]
    assert offsets[0] < offsets[2] < offsets[3]
    assert offsets[1] < offsets[2]


@pytest.mark.parametrize("step", [0, 1, 7, 50, 101, 192, 198, 199])
def test_a_spike_peaks_where_it_is(fitted, step):
    X = series(200, 1)
    X[step, 1] += 3.0
    scores = fitted.score_samples(X)
    assert scores.argmin() == step
    assert fitted.predict(X)[step] == -1
    assert fitted.column_scores(X)[step].argmin() == 1


def test_a_flat_stretch_peaks_within_it(fitted):
    X = series(200, 2)
    X[80:110] = X[80:81]
    assert 80 <= fitted.score_samples(X).argmin() < 110
    strange = fitted.score_samples(X) < fitted.offset_
    assert strange[80:110].mean() > 0.9
    assert np.r_[strange[:60], strange[130:]].mean() < 0.3


def test_edges_are_neither_stranger_nor_calmer(fitted):
    scores = np.array([fitted.score_samples(series(80, seed)) for seed in range(100, 180)])
    ranks = scores.argsort(axis=1).argsort(axis=1) / 79
    edges, middle = np.r_[0:5, 75:80], np.r_[PERIOD : 80 - PERIOD]
    # The steps of an edge are nearly one: 160 edges have a standard error of about .023.
    assert abs(ranks[:, edges].mean() - ranks[:, middle].mean()) < 0.08
    assert abs(ranks[:, [0, 79]].mean() - 0.5) < 0.08
    below = scores < fitted.offset_
    assert abs(below[:, edges].mean() - below[:, middle].mean()) < 0.06


def test_contamination_is_the_share_of_fresh_steps(fitted):
    shares = [np.mean(fitted.predict(series(400, seed)) == -1) for seed in range(200, 210)]
    assert 0.05 < np.mean(shares) < 0.15
    X = series(300, 4)
    assert_array_equal(fitted.predict(X) == -1, fitted.decision_function(X) < 0)


def test_an_outlier_among_the_steps_of_fit_is_found_out_of_fold():
    X = series(600, 5)
    X[300:320] = X[300:320][::-1].copy()
    found = detector(novelty=False, contamination=0.05, n_estimators=2)
    labels = found.fit_predict(X)
    assert (labels[300:320] == -1).mean() > 0.8
    assert abs((labels == -1).mean() - 0.05) < 0.01
    assert 295 < found.training_scores_.argmin() < 325
    events = found.fit_events(X)
    strangest = events.sort_values("score").iloc[0]
    assert strangest["start"] < 320
    assert strangest["end"] >= 300
    for name in ("predict", "score_samples", "events"):
        assert not hasattr(found, name)
        assert hasattr(detector(), name)


# What time is


@pytest.mark.usefixtures("hardly_a_step")
def test_all_forms_of_time_are_one():
    X = series(260, 6)
    t = np.flatnonzero(np.random.default_rng(0).random(260) > 0.1)
    X = X[t]
    dates = pd.Timestamp("2024-03-30", tz="Europe/Berlin") + pd.to_timedelta(t, "h")
    named = pd.DataFrame(X, columns=["a", "b"])
    forms = {
        "numbers": (named.set_axis(t), None),
        "floats": (named.set_axis(t / 8), None),
        "dates": (named.set_axis(dates), None),
        "durations": (named.set_axis(pd.to_timedelta(t, "s")), None),
        "column": (named.assign(when=dates)[["a", "when", "b"]], "when"),
        "polars": (pl.DataFrame({"a": X[:, 0], "when": dates, "b": X[:, 1]}), "when"),
        "array": (named, dates.to_numpy()),
        "list": (named, t.tolist()),
    }
    expected = detector().fit(X, time=t).score_samples(X, time=t)
    assert not np.allclose(detector().fit(X).score_samples(X), expected)
    for name, (given, time) in forms.items():
        found = detector().fit(given, time=time)
        assert_array_equal(found.score_samples(given, time=time), expected, err_msg=name)
        assert list(found.feature_names_in_) == ["a", "b"]
        by_column = found.column_scores(given, time=time)
        assert list(by_column.columns) == ["a", "b"]
        assert type(by_column) is type(given)
    with pytest.raises(ValueError, match="counted as a duration, and as a number in fit"):
        detector().fit(X, time=t).predict(X, time=dates)


def test_steps_that_are_missing_are_gaps():
    X = series(900, 7)
    kept = np.random.default_rng(1).random(900) > 0.15
    holes = np.where(kept[:, None], X, np.nan)
    by_time = detector(n_estimators=1).fit(X[kept], time=np.flatnonzero(kept))
    by_cells = detector(n_estimators=1).fit(holes)
    later = series(300, 8)
    later[150, 0] += 4
    assert_allclose(by_time.offset_, by_cells.offset_, atol=0.3)
    assert by_time.score_samples(later).argmin() == 150
    some = np.r_[0:100, 118:130, 140:300]
    scores = by_time.score_samples(later[some], time=some)
    assert some[scores.argmin()] == 150
    beside = np.isin(some, np.r_[95:100, 118:123, 126:130, 140:143])
    assert (scores[beside] < by_time.offset_).mean() < 0.4


def test_jitter_of_the_clock_changes_nothing(fitted):
    X = series(200, 9)
    time = np.arange(200) + np.random.default_rng(2).uniform(-0.2, 0.2, 200)
    assert_array_equal(fitted.score_samples(X, time=time), fitted.score_samples(X))


def test_a_long_gap_parts_a_series(fitted):
    X = series(200, 10)
    far, further = (np.r_[0:100, start : start + 100] for start in (1_000, 10**9))
    expected = np.r_[fitted.score_samples(X[:100]), fitted.score_samples(X[100:])]
    assert_allclose(fitted.score_samples(X, time=far), expected, atol=1e-6)
    assert_array_equal(fitted.score_samples(X, time=further), fitted.score_samples(X, time=far))
    events = detector(contamination=0.5).fit(series(400, 0)).events(X, time=far)
    assert not ((events["start"] < 100) & (events["end"] >= 1_000)).any()


@pytest.mark.usefixtures("hardly_a_step")
def test_several_series():
    parts = [series(150, 11), series(90, 12), series(40, 13)]
    found = detector(novelty=False)
    assert found.fit_predict(parts).shape == (280,)
    times = [np.arange(len(part)) * 5.0 for part in parts]
    frames = [pd.DataFrame(part, columns=["a", "b"]) for part in parts]
    timed = detector(novelty=False).fit(frames, time=times)
    assert_array_equal(timed.training_scores_, found.training_scores_)
    with pytest.raises(ValueError, match="time has 2 entries, but X is a list of 3 series"):
        detector().fit(parts, time=times[:2])
    with pytest.raises(ValueError, match="list of 3 series, but events are those of one"):
        detector(novelty=False).fit_events(parts)


# Windows and blocks


@pytest.mark.parametrize("n_folds", [1, 2, 3, 5])
@pytest.mark.parametrize(("n", "window"), [(40, 20), (67, 20), (500, 7), (5000, 20)])
def test_no_window_is_in_two_folds(n, window, n_folds):
    blocks = held_out_blocks(n, window, n_folds, 10_000)
    assert all(end - start >= window for start, end, _ in blocks)
    if n_folds > 1:
        assert [b[0] for b in blocks] == [0, *(b[1] for b in blocks[:-1])]
    steps = [set(range(i, i + window)) for i in range(n - window + 1)]
    folds = windows_of_folds(blocks, n, window)
    assert (sum(within.astype(int) for _, within in folds) <= 1).all()
    for seen, within in folds:
        assert seen.any()
        assert within.any()
        unseen = set().union(*(steps[i] for i in np.flatnonzero(within)))
        assert all(not unseen & steps[i] for i in np.flatnonzero(seen))


def test_the_window_is_the_period():
    t = np.arange(2000.0)
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * t / 24) + 0.3 * rng.normal(size=2000)
    for X in (wave, wave + t / 100, 1e9 + 1e-3 * wave):
        assert default_window(X[:, None]) == 24
    sawtooth = (t % 50) + np.sin(2 * np.pi * t / 25)
    assert default_window(sawtooth[:, None]) == 50
    assert default_window(rng.normal(size=(2000, 1))) == 32
    assert default_window(np.ones((2000, 1))) == 32
    assert default_window(rng.normal(size=(30, 1))) == 4
    assert default_window(np.repeat(wave[:, None], 40, axis=1)) == 8


@pytest.mark.usefixtures("hardly_a_step")
def test_a_long_series_is_read_in_blocks(monkeypatch):
    monkeypatch.setattr(_fitting, "_MANY_STEPS", 2000)
    monkeypatch.setattr(_fitting, "_HELD_OUT", 400)
    monkeypatch.setattr(_fitting, "_MOST_WINDOWS", 700)
    X = series(3000, 14)
    found = detector(novelty=False).fit(X)
    assert found.training_scores_.shape == (3000,)
    assert len(found._answers.finder.finder.nearest) == 1
    asked = []
    answers = type(found._answers.finder).answers
    monkeypatch.setattr(
        type(found._answers.finder),
        "answers",
        lambda self, windows, member=None: asked.append(windows) or answers(self, windows, member),
    )
    found.set_params(novelty=True)
    whole = found.score_samples(X)
    monkeypatch.setattr(_steps, "_BLOCK_CELLS", 2000)
    asked.clear()
    assert_allclose(found.score_samples(X), whole, rtol=1e-9, atol=1e-12)
    assert max(part.size for part in asked) <= 2000


# What is hard


@pytest.mark.usefixtures("hardly_a_step")
@pytest.mark.parametrize(
    "X",
    [
        np.ones((100, 2)),
        np.c_[np.arange(300.0), np.zeros(300)],
        np.r_[series(150, 0), 50 + series(150, 1)],
        1e300 * series(200, 0),
        np.c_[series(200, 0)[:, 0], np.full(200, np.nan)],
        np.where(np.arange(200)[:, None] % 3, series(200, 0), np.nan),
        series(200, 0).astype(np.float32),
        (10 * series(200, 0)).astype(int),
        series(40, 0),
    ],
    ids=["constant", "trend", "shift", "huge", "empty", "holes", "float32", "whole", "short"],
)
def test_scores_are_finite(X):
    found = detector().fit(X)
    later = X.astype(np.float64).copy()
    later[30] = np.nan
    later[31:] *= 3
    for rows in (X, later, np.full((25, 2), np.nan)):
        assert np.isfinite(found.score_samples(rows)).all()
    assert np.isfinite(detector(novelty=False).fit(X).training_scores_).all()
    found.events(later)


def test_a_new_level_begins_where_it_begins(fitted):
    X = series(200, 15)
    X[100:] += 3
    scores = fitted.score_samples(X)
    assert abs(int(scores.argmin()) - 100) <= 2
    assert (fitted.predict(X)[100:] == -1).mean() > 0.9


@pytest.mark.usefixtures("hardly_a_step")
@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(2, max_iter=1),
        RecurrentAutoencoder(2, max_iter=1),
        ConvolutionalAutoencoder(2, channels=(2,), max_iter=1),
    ],
    ids=lambda e: type(e).__name__,
)
def test_autoencoders_of_windows(estimator):
    X = series(160, 16)
    X[100, 0] += 5
    found = detector(estimator, window=8, n_estimators=2).fit(X)
    assert len(found.estimators_) == 2
    assert found.score_samples(X).argmin() == 100
    assert not hasattr(estimator, "net_")
    with pytest.raises(ValueError, match="training_rows='clean' is a choice of the default"):
        detector(estimator, training_rows="clean").fit(X)


@pytest.mark.usefixtures("hardly_a_step")
def test_events_name_columns_and_times():
    hours = pd.date_range("2024-01-01", periods=300, freq="h")
    X = pd.DataFrame(series(300, 17), index=hours, columns=["level", "flow"])
    found = detector(contamination=0.01).fit(X)
    later = X.copy()
    later.iloc[100:104, 1] += 5
    later.iloc[200, 0] -= 5
    events = found.events(later)
    assert list(events.columns) == ["start", "end", "score", "reason"]
    at = events[(events["start"] <= hours[103]) & (events["end"] >= hours[100])]
    assert (at["reason"] == "flow").all()
    assert len(at)
    assert (events[events["start"] == hours[200]]["reason"] == "level").all()
    assert events["start"].dtype == X.index.dtype
    scores = found.score_samples(later)
    for event in events.itertuples():
        inside = (hours >= event.start) & (hours <= event.end)
        assert (scores[inside] < found.offset_).all()
        assert event.score == scores[inside].min()
    assert found.column_scores(later).index.equals(hours)
    found.offset_ = -1e9
    assert found.events(later).shape == (0, 4)


@pytest.mark.usefixtures("hardly_a_step")
def test_bad_series_are_refused_in_words():
    X = series(100, 18)
    fitted = detector().fit(X)
    before = vars(fitted).copy()
    frame = pd.DataFrame(X, columns=["a", "b"])
    cases = [
        (X[:30], {}, r"A window of 20 steps needs twice as many.*n_samples=30; use window=15 or"),
        (X, {"time": np.arange(99)}, "time has 99 entries, but X has 100 steps"),
        (X, {"time": np.r_[np.arange(99), 5]}, r"time falls from 98 to 5 at step 99; sort"),
        (frame.iloc[::-1], {}, "time falls from 99 to 98 at step 1"),
        (frame, {"time": "when"}, r"time='when' is no column of X, which has \['a', 'b'\]"),
        (frame, {"time": ["x"] * 100}, r"time holds 'x', which is no date.*pd\.to_datetime"),
        (frame, {"time": np.r_[np.nan, np.arange(99)]}, "time lacks its entry 0"),
        (frame.assign(c="on"), {}, r"Column 'c' of X holds 'on' in step 0, but series are of num"),
        (np.where(X > 1, np.inf, X), {}, "infinity"),
        (np.zeros((0, 2)), {}, "0 sample"),
    ]
    for given, options, match in cases:
        with pytest.raises(ValueError, match=match):
            fitted.fit(given, **options)
        assert vars(fitted) == before
    with pytest.raises(ValueError, match="X has 10 steps, fewer than the window of 20"):
        fitted.score_samples(X[:10])
    with pytest.raises(ValueError, match="3 features"):
        fitted.score_samples(np.ones((50, 3)))


@pytest.mark.usefixtures("hardly_a_step")
def test_time_is_routed():
    X = series(120, 19)
    kept = np.random.default_rng(3).random(120) > 0.2
    t = np.flatnonzero(kept)
    with config_context(enable_metadata_routing=True):
        inner = detector().set_fit_request(time=True).set_predict_request(time=True)
        pipeline = make_pipeline(StandardScaler(), inner).fit(X[kept], time=t)
        labels = pipeline.predict(X[kept], time=t)
    Z = StandardScaler().fit_transform(X[kept])
    assert_array_equal(labels, detector().fit(Z, time=t).predict(Z, time=t))


@pytest.mark.usefixtures("hardly_a_step")
def test_files_and_onnx(fitted):
    X = series(100, 20)
    expected = fitted.score_samples(X)
    data = skops.io.dumps(fitted)
    for again in (
        pickle.loads(pickle.dumps(fitted)),
        skops.io.loads(data, trusted=sklearn_ae.TRUSTED_TYPES),
    ):
        assert_array_equal(again.score_samples(X), expected)
    with pytest.raises(NotImplementedError, match="TimeSeriesOutlierDetector has no translation"):
        to_onnx(fitted, X)
