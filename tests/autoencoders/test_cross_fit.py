"""What networks that have not seen a row say of it, and which of start and network was kept."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.inference import align

OPTIONS = {"max_iter": 6, "hidden_layer_sizes": (16,), "random_state": 0}
RNG = np.random.default_rng(0)
X = np.tanh(RNG.normal(size=(240, 3)) @ RNG.normal(size=(3, 8))) + RNG.normal(size=(240, 8)) / 9
LONG = {"max_iter": 60, "hidden_layer_sizes": (32,), "random_state": 0}
CURVE = np.c_[X[:, :2], X[:, :1] ** 2, X[:, :1] * X[:, 1:2]]
VARIANTS = {
    "plain": Autoencoder(3, **OPTIONS),
    "start": Autoencoder(3, **OPTIONS | {"max_iter": 0}),
    "hold-out": Autoencoder(3, early_stopping=False, **OPTIONS),
    "variational": VariationalAutoencoder(3, **OPTIONS),
    "contractive": ContractiveAutoencoder(3, **OPTIONS),
    "sparse": SparseAutoencoder(9, penalty="topk", **OPTIONS),
    "stacked": StackedAutoencoder(2, **OPTIONS | {"max_iter": 2}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_each_row_is_held_out_once_and_codes_are_in_the_basis_of_the_fit(name):
    estimator = VARIANTS[name]
    found = estimator.cross_fit(X)
    codes = estimator.transform(X)
    assert_array_equal(np.bincount(found.folds), [48] * 5)
    assert found.codes.shape == codes.shape
    assert found.reconstructions.shape == X.shape
    assert np.corrcoef(found.codes[:, 0], codes[:, 0])[0, 1] > 0.9
    assert found.scores.mean() < estimator.score(X) + 1e-9
    again = estimator.cross_fit(X)
    for one, other in zip(found, again, strict=True):
        assert_array_equal(one, other)


def test_the_start_out_of_fold_is_pca_of_the_other_rows():
    estimator = VARIANTS["start"]
    found = estimator.cross_fit(X)
    for fold in range(5):
        held_out = found.folds == fold
        pca = PCA(3).fit(X[~held_out])
        expected = pca.inverse_transform(pca.transform(X[held_out]))
        assert_allclose(found.reconstructions[held_out], expected, atol=1e-6)
        errors = np.square(X[held_out] - expected).sum(axis=1)
        assert_allclose(found.scores[held_out], -errors, rtol=1e-5)


def test_networks_that_selection_trained_are_used(monkeypatch):
    from sklearn_ae.training import _fitter

    made, original = [], _fitter.make_net
    monkeypatch.setattr(_fitter, "make_net", lambda *args: made.append(1) or original(*args))
    estimator = Autoencoder(2, **LONG)
    estimator.fit(CURVE)
    assert estimator.selection_.kept == "network"
    n_fit = len(made)
    made.clear()
    estimator.cross_fit(CURVE)
    assert len(made) == n_fit


def test_an_outlier_is_stranger_out_of_fold_than_to_the_network_that_knows_it():
    rows = X.copy()
    rows[7, 2] = 30.0
    estimator = Autoencoder(3, early_stopping=False, **OPTIONS | {"max_iter": 60})
    found = estimator.cross_fit(rows)
    assert found.scores[7] < estimator.score_samples(rows)[7]
    assert found.scores.argmin() == 7


def test_rows_of_weight_zero_are_seen_by_no_network():
    weight = np.ones(len(X))
    weight[:5] = 0
    estimator = Autoencoder(3, **OPTIONS)
    found = estimator.cross_fit(X, sample_weight=weight)
    assert_array_equal(found.folds[:5], -1)
    assert (found.folds[5:] >= 0).all()
    assert_allclose(found.codes[:5], estimator.transform(X[:5]))


def test_frames_and_sequences_come_back_in_their_form():
    frame = pd.DataFrame(X[:60], columns=list("abcdefgh"))
    frame["kind"] = pd.Categorical(np.where(frame["a"] > 0, "high", "low"))
    found = Autoencoder(2, **OPTIONS).cross_fit(frame)
    pd.testing.assert_index_equal(found.reconstructions.columns, frame.columns)
    assert found.reconstructions["kind"].dtype == frame["kind"].dtype
    waves = [np.sin(np.arange(8 + i % 7) / 3 + i) for i in range(40)]
    ragged = RecurrentAutoencoder(2, max_iter=2, random_state=0).cross_fit(waves)
    assert [len(wave) for wave in ragged.reconstructions] == [len(wave) for wave in waves]
    assert np.isfinite(ragged.scores).all()


def test_one_row_is_an_error():
    with pytest.raises(ValueError, match=r"cross_fit needs at least 2 rows.* got 1; use fit"):
        Autoencoder(1, max_iter=0).cross_fit(X, sample_weight=np.eye(len(X))[0])


@pytest.mark.parametrize(
    ("symmetry", "change"),
    [
        ("linear", RNG.normal(size=(3, 3))),
        ("rotation", np.linalg.qr(RNG.normal(size=(3, 3)))[0]),
        ("signed_permutation", np.array([[0, -1.0, 0], [0, 0, 1], [1, 0, 0]])),
        ("permutation", np.eye(3)[[2, 0, 1]]),
        ("signs", np.diag([1.0, -1.0, -1.0])),
        ("none", np.eye(3)),
    ],
)
def test_codes_are_aligned_by_what_the_objective_allows(symmetry, change):
    codes = RNG.normal(size=(50, 3)) * [3, 2, 1]
    assert_allclose(align(codes, codes @ change, symmetry)(codes), codes @ change, atol=1e-10)


def _by_pca(train, valid):
    pca = PCA(2).fit(train)
    return pca.inverse_transform(pca.transform(valid))


def test_what_was_kept_is_said_with_both_losses(capsys):
    estimator = Autoencoder(2, verbose=1, **LONG)
    estimator.fit(CURVE)
    kept, start, network = estimator.selection_
    assert kept == "network"
    assert network < start
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert printed.startswith("Autoencoder: the network was kept; held-out loss of the start")
    if hasattr(estimator, "set_callbacks"):  # scikit-learn 1.9 shows learned attributes, too
        assert "selection_" in estimator._repr_html_()
    folds = KFold(5, shuffle=True, random_state=0).split(CURVE)
    errors = [np.square(CURVE[v] - _by_pca(CURVE[t], CURVE[v])).sum(axis=1) for t, v in folds]
    assert start == pytest.approx(np.concatenate(errors).mean(), rel=0.1)
    rng = np.random.default_rng(1)
    linear = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6)) + rng.normal(size=(300, 6)) / 99
    assert Autoencoder(2, **OPTIONS).fit(linear).selection_.kept == "start"
    assert Autoencoder(2, max_iter=0).fit(X).selection_ == ("start", None, None)
