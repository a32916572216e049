"""What a newcomer would add takes one file, and is trained, saved, seeded and moved like ours."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2
from tests.exercises.domain_term import DomainPenalty
from tests.exercises.label_term import LabelPenalty
from tests.exercises.learned_latent import Triangular
from tests.exercises.manifold_term import ManifoldPenalty

FILES = sorted((Path(__file__).parent / "exercises").glob("*.py"))
RNG = np.random.default_rng(0)
N = 320
Z = RNG.normal(size=(N, 2))
LABEL = (Z[:, 0] * Z[:, 1] > 0).astype(int)
# What separates the labels has little of the variance.
X = np.c_[3 * Z, Z[:, :1] * Z[:, 1:], Z**2] + 0.05 * RNG.normal(size=(N, 5))
DOMAIN = (np.arange(N) % 2).astype(int)
SHIFTED = X + 2.0 * DOMAIN[:, None]
TURNED = Z @ np.array([[0.6, -0.8], [0.8, 0.6]])

OPTIONS = {"hidden_layer_sizes": (32,), "max_iter": 40, "early_stopping": False, "random_state": 0}
EXERCISES = {
    "latent": (Autoencoder(2, latent=Triangular(), **OPTIONS), X, {}),
    "labels": (
        Autoencoder(2, penalties=(LabelPenalty(weight=3.0),), **OPTIONS),
        X,
        {"label": np.where(np.arange(N) % 3, LABEL, -1)},
    ),
    "domains": (
        Autoencoder(2, penalties=(DomainPenalty(weight=10.0),), **OPTIONS),
        SHIFTED,
        {"domain": DOMAIN},
    ),
    "manifold": (
        Autoencoder(2, penalties=(ManifoldPenalty(),), **OPTIONS),
        X,
        {"embedding": TURNED},
    ),
}
EVERY = pytest.mark.parametrize("name", EXERCISES)


def fitted(name, **options):
    estimator, rows, companions = EXERCISES[name]
    return clone(estimator).set_params(**options).fit(rows, companions=companions)


def weights_of(estimator):
    """What the exercise itself has learned."""
    net = estimator.net_
    own = [*net.module_.latent.parameters(), *net.criterion_.parameters()]
    return [p.detach().cpu().numpy().copy() for p in own]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_is_one_file_of_at_most_110_lines_that_imports_what_is_public(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
    assert not [line for line in lines if "sklearn_ae." in line and "import" in line]


def separation(code, rows=slice(None)):
    """Share of the labels that a linear rule in the code gives."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(code[rows], LABEL[rows]).score(code, LABEL)


def test_labels_shape_the_code():
    plain = Autoencoder(2, **OPTIONS).fit(X)
    shaped = fitted("labels", max_iter=120, learning_rate_init=0.01)
    assert separation(shaped.transform(X)) > separation(plain.transform(X)) + 0.2


def test_codes_of_two_domains_come_together():
    def gap(estimator):
        codes = estimator.transform(SHIFTED)
        one, other = codes[DOMAIN == 0], codes[DOMAIN == 1]
        return np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) / codes.std()

    assert gap(fitted("domains")) < 0.3 * gap(Autoencoder(2, **OPTIONS).fit(SHIFTED))


def test_the_code_is_where_a_manifold_learner_put_it():
    codes = fitted("manifold").transform(X)
    assert np.square(codes - TURNED).mean() < 0.05 * np.square(TURNED).mean()


@pytest.mark.parametrize("name", ["latent", "labels"])
def test_own_weights_are_trained_and_seeded(name):
    start, first, again = (fitted(name, max_iter=n) for n in (0, 40, 40))
    moved = [np.abs(a - b).max() for a, b in zip(weights_of(start), weights_of(first), strict=True)]
    assert min(moved) > 1e-4
    for one, other in zip(weights_of(first), weights_of(again), strict=True):
        assert_array_equal(one, other)
    other = fitted(name, random_state=1, max_iter=0)
    assert any((a != b).any() for a, b in zip(weights_of(start), weights_of(other), strict=True))


@EVERY
def test_refits_are_equal_bit_for_bit_and_files_hold_all(name):
    estimator, rows, _ = EXERCISES[name]
    first, again = fitted(name), fitted(name)
    assert_array_equal(first.transform(rows), again.transform(rows))
    loaded = pickle.loads(pickle.dumps(first))
    assert_array_equal(loaded.transform(rows), first.transform(rows))
    for one, other in zip(weights_of(loaded), weights_of(first), strict=True):
        assert_array_equal(one, other)
    if estimator.penalties:
        assert estimator.penalties[0].name in first.history_


@EVERY
@pytest.mark.parametrize("n_rows", [160, N, 4 * N])
def test_they_are_validated_by_folds_and_by_held_out_rows(name, n_rows):
    estimator, rows, companions = EXERCISES[name]
    index = np.arange(n_rows) % N
    given = {key: value[index] for key, value in companions.items()}
    found = clone(estimator).set_params(early_stopping=True, max_iter=5)
    found.fit(rows[index], companions=given)
    assert np.isfinite(found.validation_loss_curve_).all()
    assert found.selection_.kept in ("start", "network")


@EVERY
def test_training_goes_on_with_what_was_learned(name):
    _, rows, companions = EXERCISES[name]
    warm = fitted(name, warm_start=True)
    before = weights_of(warm)
    warm.set_params(max_iter=0).fit(rows, companions=companions)
    for one, other in zip(before, weights_of(warm), strict=True):
        assert_array_equal(one, other)
    streamed = pickle.loads(pickle.dumps(fitted(name)))
    streamed.partial_fit(rows, companions=companions)
    for one, other in zip(before, weights_of(streamed), strict=True):
        assert np.abs(one - other).max() < 0.2
    assert np.isfinite(streamed.transform(rows)).all()


def test_a_term_that_is_not_given_what_it_reads_says_so():
    with pytest.raises(ValueError, match=r"LabelPenalty.* reads the companion 'label'"):
        clone(EXERCISES["labels"][0]).fit(X)


def test_they_stand_in_a_search():
    search = GridSearchCV(
        Autoencoder(2, **OPTIONS | {"max_iter": 2}),
        {"latent": [None, Triangular()]},
        scoring=reconstruction_r2,
        cv=2,
    ).fit(X)
    assert set(search.cv_results_["param_latent"].astype(str)) == {"None", "Triangular()"}


@EVERY
def test_they_move_to_the_device(name, device):
    found = fitted(name, device=device)
    on = [*found.net_.module_.parameters(), *found.net_.criterion_.parameters()]
    assert {p.device.type for p in on} == {torch.device(device).type}
    assert_allclose(found.transform(EXERCISES[name][1]).std() > 0, True)
