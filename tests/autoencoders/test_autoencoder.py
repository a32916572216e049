"""What Autoencoder promises, against closed forms and on real rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2


@pytest.fixture(scope="module")
def scaled(digits):
    return StandardScaler().fit_transform(digits)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_the_start_is_pca(cancer, k, whiten, device):
    start = Autoencoder(k, max_iter=0, whiten=whiten, device=device).fit(cancer)
    pca = PCA(k, whiten=whiten).fit(cancer)
    expected = pca.transform(cancer)
    scale = expected.std(axis=0)
    np.testing.assert_allclose(start.transform(cancer) / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(
        start.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-5
    )
    spread = cancer.std(axis=0)
    np.testing.assert_allclose(
        start.reconstruct(cancer) / spread,
        pca.inverse_transform(expected) / spread,
        atol=1e-4 * np.abs(cancer / spread).max(),
    )
    assert start.n_iter_ == 0


def test_learned_codes_are_in_canonical_basis(scaled):
    fitted = Autoencoder(4, hidden_layer_sizes=(32,), max_iter=5, random_state=0).fit(scaled)
    code = fitted.transform(scaled)
    covariance = np.cov(code.T)
    off = covariance - np.diag(np.diag(covariance))
    assert fitted.n_iter_ == 5
    # A tenth of the rows was held out, but the code is canonical over all of them.
    assert np.abs(off).max() < 1e-4 * covariance.max()
    assert (np.diff(fitted.explained_variance_ratio_) <= 0).all()
    centred = fitted.reconstruct(scaled) - fitted.reconstruct(scaled).mean(axis=0)
    regression = np.linalg.lstsq(code - code.mean(axis=0), centred, rcond=None)[0]
    np.testing.assert_allclose(regression @ regression.T, np.eye(4), atol=1e-3)


def test_canonical_basis_leaves_reconstructions_as_they_are(scaled, monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    def fit():
        return Autoencoder(4, hidden_layer_sizes=(32,), max_iter=3, random_state=0).fit(scaled)

    canonical = fit().reconstruct(scaled)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    np.testing.assert_allclose(fit().reconstruct(scaled), canonical, atol=1e-4)


def test_whitened_codes_have_unit_variance(scaled):
    fitted = Autoencoder(3, hidden_layer_sizes=(16,), max_iter=3, whiten=True, random_state=0)
    np.testing.assert_allclose(fitted.fit_transform(scaled).std(axis=0, ddof=1), 1, rtol=1e-4)


@pytest.mark.parametrize("k", [2, 8])
def test_better_than_pca_on_held_out_digits(scaled, k, device):
    train, test = train_test_split(scaled, test_size=0.3, random_state=0)
    fitted = Autoencoder(k, max_iter=15, random_state=0, device=device).fit(train)
    gain = reconstruction_r2(fitted, test) - reconstruction_r2(PCA(k).fit(train), test)
    assert gain > 0.1


@pytest.mark.parametrize("n", [19, 60, 300, 1200])
def test_noise_returns_the_start_fitted_on_all_rows(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 12)) + 0.5 * rng.normal(size=(n, 12))
    fitted = Autoencoder(3, random_state=0, hidden_layer_sizes=(64,), max_iter=20).fit(X)
    pca = PCA(3).fit(X)
    np.testing.assert_allclose(fitted.transform(X), pca.transform(X), atol=1e-4)


def test_wide_rows_are_never_worse_than_pca():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(140, 5)) @ rng.normal(size=(5, 1000)) + rng.normal(size=(140, 1000))
    fitted = Autoencoder(4, random_state=0, max_iter=10).fit(X[:100])
    pca = PCA(4).fit(X[:100])
    assert reconstruction_r2(fitted, X[100:]) >= reconstruction_r2(pca, X[100:]) - 1e-3


def test_scores_are_minus_squared_errors_in_x_units(cancer):
    fitted = Autoencoder(2, hidden_layer_sizes=(16,), max_iter=3, random_state=0).fit(cancer)
    expected = (cancer - fitted.reconstruct(cancer)) ** 2
    np.testing.assert_allclose(fitted.reconstruction_errors(cancer), expected, rtol=1e-12)
    np.testing.assert_allclose(fitted.score_samples(cancer), -expected.sum(axis=1), rtol=1e-12)
    assert isinstance(fitted.score(cancer), float)
    weight = np.arange(len(cancer), dtype=float)
    expected_score = np.average(-expected.sum(axis=1), weights=weight)
    assert fitted.score(cancer, sample_weight=weight) == pytest.approx(expected_score)


def test_history_is_in_the_units_of_the_score(scaled):
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(scaled)
    assert fitted.history_["train_loss"][0] == pytest.approx(-fitted.score(scaled), rel=1e-4)
    fitted.set_params(max_iter=3).fit(scaled)
    assert len(fitted.history_) == fitted.n_iter_ + 1 == len(fitted.loss_curve_) + 1
    assert fitted.best_validation_loss_ == fitted.history_["valid_loss"].min()
    assert fitted.loss_curve_.base is not None


@pytest.mark.parametrize("contamination", [0.1, 0.25, 0.5])
def test_contamination_is_the_share_of_outliers(digits, contamination):
    fitted = Autoencoder(2, hidden_layer_sizes=(8,), max_iter=1, contamination=contamination)
    labels = fitted.fit_predict(digits[:300])
    assert (labels == -1).sum() == 300 * contamination


def test_weights_count_as_repetitions_for_the_start(cancer):
    weight = np.random.default_rng(0).integers(0, 4, size=len(cancer))
    estimator = Autoencoder(3, max_iter=0, contamination=0.1)
    weighted = clone(estimator).fit(cancer, sample_weight=weight)
    repeated = clone(estimator).fit(np.repeat(cancer, weight, axis=0))
    np.testing.assert_allclose(
        weighted.transform(cancer), repeated.transform(cancer), rtol=1e-4, atol=1e-3
    )
    assert weighted.offset_ == pytest.approx(repeated.offset_, rel=1e-4)


def test_weights_steer_training(scaled):
    weight = np.where(np.arange(len(scaled)) < 900, 1.0, 1e-3)
    kwargs = {"hidden_layer_sizes": (64,), "max_iter": 10, "random_state": 0}
    heavy = Autoencoder(2, **kwargs).fit(scaled, sample_weight=weight)
    even = Autoencoder(2, **kwargs).fit(scaled)
    assert heavy.score(scaled[:900]) > even.score(scaled[:900])
    assert heavy.score(scaled[900:]) < even.score(scaled[900:])


def test_warm_start_begins_at_the_previous_weights(scaled):
    warm = Autoencoder(2, hidden_layer_sizes=(32,), max_iter=5, warm_start=True, random_state=0)
    first = warm.fit(scaled).score(scaled)
    loss = warm.history_["train_loss"].iloc[-1]
    warm.fit(scaled)
    assert warm.history_["train_loss"].iloc[0] < 1.02 * loss
    assert warm.score(scaled) >= first * 1.001


def test_partial_fit_learns_from_a_stream(scaled):
    streamed = Autoencoder(2, hidden_layer_sizes=(64, 32), random_state=0)
    for _ in range(6):
        for rows in np.array_split(scaled, 3):
            streamed.partial_fit(rows)
    assert streamed.n_iter_ == 18
    assert (
        reconstruction_r2(streamed, scaled) > reconstruction_r2(PCA(2).fit(scaled), scaled) + 0.05
    )


def test_partial_fit_keeps_the_code_basis(scaled):
    streamed = Autoencoder(2, hidden_layer_sizes=(16,), random_state=0).partial_fit(scaled[:900])
    before = streamed.transform(scaled)
    streamed.partial_fit(scaled[900:])
    after = streamed.transform(scaled)
    for component in range(2):
        assert np.corrcoef(before[:, component], after[:, component])[0, 1] > 0.9


def test_early_stopping_false_uses_every_epoch(iris):
    fitted = Autoencoder(2, early_stopping=False, max_iter=7, random_state=0).fit(iris)
    assert fitted.n_iter_ == 7
    assert "valid_loss" not in fitted.history_
    assert fitted.best_validation_loss_ is None
    assert fitted.loss_curve_[-1] < fitted.history_["train_loss"][0]


def test_random_init_has_no_linear_path(scaled):
    textbook = Autoencoder(2, init="random", hidden_layer_sizes=(64,), max_iter=10, random_state=0)
    textbook.fit(scaled)
    assert not any("linear" in name for name, _ in textbook.net_.module_.named_parameters())
    assert textbook.score(scaled) > -scaled.var(axis=0).sum()


def test_a_network_without_hidden_layers_is_linear(cancer):
    fitted = Autoencoder(2, hidden_layer_sizes=(), max_iter=2, random_state=0).fit(cancer)
    np.testing.assert_allclose(
        fitted.transform(cancer).mean(axis=0),
        fitted.transform(cancer.mean(axis=0, keepdims=True))[0],
        atol=1e-2,
    )


def test_a_loss_that_explodes_recovers_or_says_so(scaled):
    recovered = Autoencoder(2, learning_rate_init=3e3, max_iter=5, random_state=0).fit(scaled)
    assert np.isfinite(recovered.transform(scaled)).all()
    with pytest.raises(FloatingPointError, match="lower learning_rate_init"):
        Autoencoder(2, learning_rate_init=1e38, max_iter=5, random_state=0).fit(scaled)


def test_skorch_callbacks_are_called(scaled):
    class Count(Callback):
        batches = epochs = 0

        def on_batch_end(self, net, training=False, **kwargs):
            type(self).batches += training

        def on_epoch_end(self, net, **kwargs):
            type(self).epochs += 1
            assert net.history[-1]["valid_loss"] > 0

    fitted = Autoencoder(2, max_iter=3, batch_size=100, callbacks=[Count()], random_state=0)
    fitted.fit(scaled)
    assert Count.epochs == 3
    assert Count.batches == 3 * len(range(0, 1617, 100))


def test_skorch_early_stopping_ends_the_fit(scaled):
    stop = EarlyStopping(patience=1, threshold=0.9, sink=lambda _: None)
    fitted = Autoencoder(2, max_iter=20, callbacks=[stop], random_state=0).fit(scaled)
    assert fitted.n_iter_ < 20


@pytest.mark.parametrize("n", [150, 1500])
def test_sklearn_callbacks_see_every_epoch(scaled, n):
    callback = pytest.importorskip("sklearn.callback", reason="new in scikit-learn 1.9")
    rows = scaled[:n]
    monitor = callback.ScoringMonitor(scoring={"r2": reconstruction_r2})
    watched = Autoencoder(2, hidden_layer_sizes=(16,), max_iter=4, random_state=0)
    watched.set_callbacks(monitor, callback.ProgressBar()).fit(rows)
    log = monitor.get_logs().data_as_pandas
    assert (log["task_name"] == "epoch").sum() == watched.n_iter_ == 4
    unwatched = Autoencoder(2, hidden_layer_sizes=(16,), max_iter=4, random_state=0).fit(rows)
    np.testing.assert_array_equal(watched.transform(rows), unwatched.transform(rows))


def test_verbose_prints_a_line_an_epoch(scaled, capsys):
    Autoencoder(2, max_iter=3, verbose=1, random_state=0).fit(scaled)
    lines = capsys.readouterr().out.strip().split("\n")
    assert len(lines) == 2 + 3 + 1
    assert {"epoch", "train_loss", "valid_loss", "dur"} <= set(lines[0].split())
    assert "held-out loss" in lines[-1]


def test_stands_in_a_pipeline_beside_pca(iris):
    y = np.repeat([0, 1, 2], 50)
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("clf", LogisticRegression())]),
        {
            "reduce": [PCA(), Autoencoder(max_iter=3, random_state=0)],
            "reduce__n_components": [1, 2],
        },
        cv=3,
    ).fit(iris, y)
    assert search.best_score_ > 0.8
    assert len(search.cv_results_["params"]) == 4


def test_pipeline_round_trip(cancer):
    pipe = Pipeline([("scale", StandardScaler()), ("ae", Autoencoder(4, max_iter=3))]).fit(cancer)
    assert pipe.inverse_transform(pipe.transform(cancer)).shape == cancer.shape
    assert reconstruction_r2(pipe, cancer) > 0.7


def test_a_column_that_all_but_had_one_value_is_no_worse_than_for_pca():
    X = load_digits().data / 16
    train, test = X[:300], X[300:320].copy()
    deviation = train.std(axis=0)
    odd = np.where(deviation > 0, deviation, np.inf).argmin()
    test[:, odd] = 1.0
    assert 1 / deviation[odd] > 200
    model = Autoencoder(8, random_state=0).fit(train)
    assert model.selection_.kept == "network"
    pca = PCA(8).fit(train)
    expected = np.square(test - pca.inverse_transform(pca.transform(test))).sum()
    assert np.square(test - model.reconstruct(test)).sum() < 1.5 * expected
    assert_allclose(model.inverse_transform(model.transform(test)), model.reconstruct(test))
