"""The stack is its stages, joined; fine-tuning never makes it worse on held-out rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from sklearn_ae import Autoencoder, Dense, StackedAutoencoder
from sklearn_ae.starts import PCAStart


def make(k=2, **options):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}
    return StackedAutoencoder(k, **{**defaults, **options})


@pytest.fixture(scope="module")
def rows(cancer):
    return (cancer / cancer.std(axis=0))[:300, :8] * np.geomspace(0.1, 10, 8)


def chained(stages, X):
    codes = X
    for stage in stages:
        codes = stage.transform(codes)
    restored = codes
    for stage in reversed(stages):
        restored = stage.inverse_transform(restored)
    return restored


@pytest.mark.parametrize("sizes", [None, (), (4,), (6, 3), (8, 8, 2)])
@pytest.mark.parametrize("whiten", [False, True])
def test_at_the_start_the_network_is_the_chain_of_its_stages(rows, sizes, whiten):
    stack = make(stage_sizes=sizes, max_iter=0, whiten=whiten).fit(rows)
    spread = rows.std(axis=0)
    expected = chained(stack.stages_, rows)
    assert_allclose(stack.reconstruct(rows) / spread, expected / spread, atol=1e-4)
    pca = PCA(2).fit(rows)
    restored = pca.inverse_transform(pca.transform(rows))
    assert_allclose(stack.reconstruct(rows) / spread, restored / spread, atol=1e-4)


@pytest.mark.parametrize("init", ["pca", "random"])
@pytest.mark.parametrize("tied_weights", [False, True])
def test_trained_stages_are_joined_as_they_are(rows, init, tied_weights):
    options = {"stage_sizes": (5, 3), "init": init, "tied_weights": tied_weights}
    stack = make(max_iter=3, early_stopping=False, **options).fit(rows)
    epoch_zero = stack.history_["train_loss"][0]
    expected = np.square(rows - chained(stack.stages_, rows)).sum(axis=1).mean()
    assert epoch_zero == pytest.approx(expected, rel=1e-3)
    assert [stage.n_iter_ for stage in stack.stages_] == [3, 3, 3]


def test_stages_have_the_widths_asked_for(rows):
    stack = make(1, stage_sizes=(6, 3)).fit(rows)
    assert [stage.n_components_ for stage in stack.stages_] == [6, 3, 1]
    assert [stage.n_features_in_ for stage in stack.stages_] == [8, 6, 3]
    assert all(isinstance(stage, Autoencoder) for stage in stack.stages_)
    assert [s.n_components_ for s in make(2).fit(rows).stages_] == [4, 2]


def test_fine_tuning_is_kept_only_if_held_out_rows_prefer_it(cancer):
    stack = make(2, max_iter=4).fit(np.tile(cancer[:, :6], (2, 1)))
    curve = stack.history_["valid_loss"]
    assert stack.best_validation_loss_ <= curve[0]
    assert stack.best_validation_loss_ == curve.min()


def test_a_stack_is_not_worse_than_its_stages_on_training_rows(rows):
    stack = make(2, stage_sizes=(4,), early_stopping=False, max_iter=10).fit(rows)
    greedy = np.square(rows - chained(stack.stages_, rows)).sum(axis=1).mean()
    assert -stack.score(rows) < greedy


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_normalised_stages_are_joined(rows, normalization):
    stack = make(stage_sizes=(4,), normalization=normalization, early_stopping=False)
    stack.fit(rows)
    expected = np.square(rows - chained(stack.stages_, rows)).sum(axis=1).mean()
    assert stack.history_["train_loss"][0] == pytest.approx(expected, rel=1e-3)


def test_the_code_is_in_its_canonical_basis(rows):
    codes = make(3, early_stopping=False).fit(rows).transform(rows)
    covariance = np.cov(codes.T)
    assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3 * covariance.max())
    assert (np.diff(np.diag(covariance)) < 0).all()


def test_weights_and_constant_columns(rows):
    X = np.c_[rows, np.full(len(rows), 3.0)]
    weight = np.random.default_rng(0).integers(0, 3, size=len(rows))
    weighted = make(max_iter=0).fit(X, sample_weight=weight)
    repeated = make(max_iter=0).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.reconstruct(X), repeated.reconstruct(X), atol=1e-3)
    assert_allclose(weighted.reconstruct(X)[:, -1], 3.0)


def test_a_stream_begins_from_pca_without_stages(rows):
    streamed = make(stage_sizes=(6, 4)).partial_fit(rows)
    assert not hasattr(streamed, "stages_")
    assert streamed.partial_fit(rows).n_iter_ == 2
    error = np.square(rows - streamed.reconstruct(rows)).sum()
    pca = PCA(2).fit(rows)
    least = np.square(rows - pca.inverse_transform(pca.transform(rows))).sum()
    assert error < 1.3 * least


def test_a_warm_start_goes_on_from_the_joined_network(rows):
    stack = make(stage_sizes=(4,), early_stopping=False, warm_start=True).fit(rows)
    loss, stages = -stack.score(rows), stack.stages_
    stack.fit(rows)
    assert stack.history_["train_loss"][0] == pytest.approx(loss, rel=1e-3)
    assert stack.stages_ is stages


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "gaussian", "bernoulli", "poisson"])
def test_the_loss_is_that_of_the_rows_and_codes_are_real_numbers(rows, loss):
    X = (rows - rows.min(axis=0)) / np.ptp(rows, axis=0)
    stack = make(stage_sizes=(4,), loss=loss, early_stopping=False).fit(X)
    assert [stage.loss for stage in stack.stages_] == [loss, "squared_error"]
    assert np.isfinite(stack.score_samples(X)).all()
    if loss in ("bernoulli", "poisson"):
        assert stack.reconstruct(X).min() > 0


def test_an_architecture_fills_every_stage(rows):
    stack = make(architecture=Dense((5,)), hidden_layer_sizes=None, stage_sizes=(4,)).fit(rows)
    assert [stage.architecture.hidden_layer_sizes for stage in stack.stages_] == [(5,), (5,)]


def test_two_fits_are_equal_bit_for_bit(rows):
    first, second = (make(stage_sizes=(4,)).fit(rows).transform(rows) for _ in range(2))
    assert_array_equal(first, second)


def test_the_share_of_variance_is_resolved_once_a_fit(rows, monkeypatch):
    found = []
    spectrum = PCAStart.spectrum

    def counted(self, *given):
        found.append(spectrum(self, *given))
        return found[-1]

    monkeypatch.setattr(PCAStart, "spectrum", counted)
    make(0.9).fit(rows)
    assert len(found) == 1


def test_a_warm_start_keeps_the_widths(rows):
    stack = make(0.9, warm_start=True).fit(rows)
    k = stack.n_components_
    noise = np.random.default_rng(0).normal(size=rows.shape)
    assert make(0.9).fit(noise).n_components_ > k
    assert stack.fit(noise).n_components_ == k
