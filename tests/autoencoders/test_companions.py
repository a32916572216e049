"""Conditions, clean rows and companions: what comes with rows reaches every estimator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Gaussian,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.penalties import Penalty
from sklearn_ae.terms import Term

pytestmark = pytest.mark.usefixtures("few_folds")

N = 60
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(N, 4))
OPTIONS = {"max_iter": 2, "early_stopping": False, "random_state": 0}
NARROW = {"hidden_layer_sizes": (8,), **OPTIONS}
CASES = {
    "plain": (Autoencoder(2, **NARROW), TABLE),
    "sparse rows": (Autoencoder(2, **NARROW), sparse.csr_array(np.where(TABLE > 0, TABLE, 0))),
    "own density": (Autoencoder(2, loss="gaussian", init="random", **NARROW), TABLE),
    "own latent": (Autoencoder(2, latent=Gaussian(), loss="gaussian", **NARROW), TABLE),
    "contractive": (ContractiveAutoencoder(2, **NARROW), TABLE),
    "denoising": (DenoisingAutoencoder(3, **NARROW), TABLE),
    "sparse": (SparseAutoencoder(6, **NARROW), TABLE),
    "variational": (VariationalAutoencoder(3, **NARROW), TABLE),
    "images": (ConvolutionalAutoencoder(2, **NARROW), RNG.normal(size=(N, 8, 8))),
    "sequences": (RecurrentAutoencoder(2, **OPTIONS), RNG.normal(size=(N, 5, 2))),
    "ragged": (
        RecurrentAutoencoder(2, **OPTIONS),
        [RNG.normal(size=(n, 2)) for n in RNG.integers(4, 8, size=N)],
    ),
}
STACKED = (StackedAutoencoder(2, stage_sizes=(3,), **NARROW), TABLE)
LABELS = np.array(["a", "b", "c"])[np.arange(N) % 3]
OTHERS = np.roll(LABELS, 1)


def every(cases):
    return pytest.mark.parametrize(("estimator", "X"), cases.values(), ids=cases)


def flat(rows):
    rows = rows.toarray() if sparse.issparse(rows) else rows
    return np.concatenate([np.ravel(row) for row in rows])


def shifted(X):
    return [x + 0.1 for x in X] if isinstance(X, list) else X * 1.1


@every(CASES)
def test_every_method_takes_the_condition(estimator, X):
    codes = clone(estimator).fit_transform(X, condition=LABELS)
    fitted = clone(estimator).fit(X, condition=LABELS)
    assert_array_equal(fitted.transform(X, condition=LABELS), codes)
    restored = flat(fitted.reconstruct(X, condition=LABELS))
    assert np.abs(restored - flat(fitted.reconstruct(X, condition=OTHERS))).max() > 1e-6
    blocks = fitted.iter_reconstruct(X, condition=LABELS, batch_size=25)
    assert_allclose(np.concatenate([flat(block) for block in blocks]), restored, atol=1e-6)
    if not isinstance(X, list):
        again = fitted.inverse_transform(codes, condition=LABELS)
        assert_allclose(flat(again), restored, atol=1e-6)
    errors = fitted.reconstruction_errors(X, condition=LABELS)
    scores = fitted.score_samples(X, condition=LABELS)
    assert np.isfinite(flat(errors)).all()
    assert fitted.score(X, condition=LABELS) == pytest.approx(scores.mean())
    decision = fitted.decision_function(X, condition=LABELS)
    assert_allclose(decision, scores - fitted.offset_)
    predicted = fitted.predict(X, condition=LABELS)
    assert_array_equal(predicted, np.where(decision >= 0, 1, -1))
    assert_array_equal(clone(estimator).fit_predict(X, condition=LABELS), predicted)
    fitted.partial_fit(X, condition=OTHERS)
    with pytest.raises(ValueError, match="was fitted with a condition"):
        fitted.transform(X)
    with pytest.raises(ValueError, match=f"this {type(estimator).__name__} was fitted without one"):
        clone(estimator).fit(X).score_samples(X, condition=LABELS)


@every(CASES)
def test_a_stream_begins_with_a_condition(estimator, X):
    streamed = clone(estimator).partial_fit(X, condition=LABELS).partial_fit(X, condition=LABELS)
    assert np.isfinite(streamed.score(X, condition="b"))


def test_steps_are_scored_given_the_condition():
    estimator, X = CASES["sequences"]
    fitted = clone(estimator).fit(X, condition=LABELS)
    steps = fitted.score_steps(X, condition=LABELS)
    assert_allclose(steps.sum(axis=1), fitted.score_samples(X, condition=LABELS))


def test_stages_take_no_condition():
    estimator, X = STACKED
    for fit in (estimator.fit, estimator.fit_transform, estimator.fit_predict):
        with pytest.raises(ValueError, match=r"StackedAutoencoder .* leave condition out"):
            fit(X, condition=LABELS)
    streamed = clone(estimator).partial_fit(X, condition=LABELS)
    assert np.isfinite(streamed.transform(X, condition=LABELS)).all()


def test_a_start_that_knows_no_condition_has_no_noise_given_one():
    message = r"condition was given, .* Autoencoder .*loss='gaussian' .* VariationalAutoencoder"
    with pytest.raises(ValueError, match=message):
        Autoencoder(2, loss="gaussian", **NARROW).fit(TABLE, condition=LABELS)


@every({**CASES, "stacked": STACKED})
def test_every_estimator_learns_from_pairs(estimator, X):
    clean = shifted(X)
    fitted = clone(estimator).fit(X, X_clean=clean)
    alone = clone(estimator).fit(X)
    assert np.abs(flat(fitted.reconstruct(X)) - flat(alone.reconstruct(X))).max() > 1e-6
    codes = clone(estimator).fit_transform(X, X_clean=clean)
    assert_array_equal(codes, fitted.transform(X))
    fitted.partial_fit(X, X_clean=clean)
    assert np.isfinite(clone(estimator).partial_fit(X, X_clean=clean).transform(X)).all()
    if isinstance(estimator, VariationalAutoencoder):
        with pytest.raises(ValueError, match=r"VariationalAutoencoder .* leave X_clean out"):
            fitted.score(X, X_clean=clean)
        return
    scores = fitted.score_samples(X, X_clean=clean)
    assert fitted.score(X, X_clean=clean) == pytest.approx(scores.mean())
    assert fitted.score(X, X_clean=clean) != pytest.approx(fitted.score(X))


class _LabelTerm(Term):
    def forward(self, network, batch, result, generator):
        label = batch.companions["label"]
        LabelTerm.seen.append((generator is not None, batch.x.detach(), label))
        return (result.code.mean[:, 0] - label).square().mean()


class LabelTerm(Penalty):
    """Draws the first component to a label."""

    name = "label"
    reads = ("label",)
    seen: list = []
    _parameter_constraints: dict = {}

    def build(self, n_components, bounded):
        return _LabelTerm()


@pytest.fixture(autouse=True)
def _nothing_seen():
    LabelTerm.seen.clear()


@every({**CASES, "stacked": STACKED})
def test_companions_reach_the_batches_of_a_penalty(estimator, X):
    label = np.arange(N) % 2 == 0
    model = clone(estimator).set_params(penalties=(LabelTerm(),), batch_size=16)
    model.fit(X, companions={"label": label.astype(float)})
    trained = [labels for training, _, labels in LabelTerm.seen if training]
    assert sum(map(len, trained)) >= N * model.n_iter_
    assert set(np.concatenate([np.asarray(t) for t in trained])) == {0.0, 1.0}
    assert "label" in model.history_
    model.partial_fit(X, companions={"label": label.astype(float)})
    assert np.isfinite(model.transform(X)).all()


def test_a_companion_stays_beside_its_row():
    X = np.column_stack([TABLE, np.arange(N)])
    weight = (np.arange(N) % 5 > 0).astype(float)
    model = Autoencoder(2, penalties=(LabelTerm(),), **{**NARROW, "early_stopping": True})
    model.fit(X, companions=pd.DataFrame({"label": np.arange(N)}), sample_weight=weight)
    for _, x, label in LabelTerm.seen:
        assert_array_equal(np.argsort(np.asarray(x[:, 4])), np.argsort(np.asarray(label)))
    assert {int(i) for _, _, label in LabelTerm.seen for i in label} == set(np.flatnonzero(weight))


def test_a_penalty_says_which_companion_it_reads():
    model = Autoencoder(2, penalties=(LabelTerm(),), **NARROW)
    message = (
        r"penalties holds LabelTerm\(\), which reads the companion 'label'; pass "
        r"companions=\{'label': \.\.\.\} to fit"
    )
    for fit in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            fit(TABLE)
        with pytest.raises(ValueError, match=message):
            fit(TABLE, companions={"labels": np.arange(N)})
        with pytest.raises(ValueError, match="has 59 rows, but X has 60"):
            fit(TABLE, companions={"label": np.arange(N - 1)})
    assert not hasattr(model, "n_features_in_")


def test_companions_that_cannot_be_read_are_named():
    model = Autoencoder(2, penalties=(LabelTerm(),), **NARROW)
    infinite = np.where(np.arange(N) == 3, np.inf, 1.0)
    for companions, error, message in (
        (np.arange(N), TypeError, "companions is a ndarray, which names nothing; pass a dict"),
        ([1.0] * N, TypeError, "companions is a list, which names nothing"),
        ({"label": None}, ValueError, r"companions\['label'\] is None; pass one entry a row"),
        ({"label": 3}, ValueError, r"companions\['label'\] is 3; pass one entry a row"),
        ({"label": infinite}, ValueError, r"companions\['label'\] holds an infinite number"),
        ({"label": np.full(N, np.nan)}, FloatingPointError, r"companions \['label'\] hold NaN"),
    ):
        with pytest.raises(error, match=message):
            model.fit(TABLE, companions=companions)


class EmbeddingTerm(LabelTerm):
    reads = ("label", "place")


def test_a_search_splits_frames_and_structured_arrays_of_companions():
    several = np.zeros(N, dtype=[("label", float), ("place", float, (2,))])
    for penalty, companions in (
        (LabelTerm(), pd.DataFrame({"label": np.arange(N)})),
        (EmbeddingTerm(), several),
    ):
        model = Autoencoder(2, penalties=(penalty,), **NARROW)
        search = GridSearchCV(model, {"alpha": [0.01]}, cv=2, error_score="raise")
        assert search.fit(TABLE, companions=companions).best_estimator_.n_iter_ > 0
    with pytest.raises(ValueError, match="A search splits no dict: pass a data frame there, or a"):
        search.fit(TABLE, companions={"label": np.arange(N), "place": np.zeros((N, 2))})
