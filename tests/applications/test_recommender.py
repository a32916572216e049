"""Recommendations, next to the linear autoencoder of items."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.metrics import ndcg_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import (
    Autoencoder,
    AutoencoderRecommender,
    DenoisingAutoencoder,
    ratings_matrix,
    split_by_time,
)
from sklearn_ae.applications import _recommendation as parts
from sklearn_ae.applications._recommendation import _items

LINEAR = AutoencoderRecommender(network_weight=0, alpha=5.0, dropout=0.5, random_state=0)


def users_of(n=120, n_groups=3, size=8, seed=0):
    """Users who have half the items of a group, and few of the others."""
    rng = np.random.default_rng(seed)
    taste = np.kron(np.eye(n_groups), np.ones(size))[rng.integers(0, n_groups, n)]
    return (rng.random(taste.shape) < 0.05 + 0.5 * taste).astype(float)


@pytest.fixture(scope="module")
def users():
    return users_of()


@pytest.fixture(scope="module")
def fitted(users):
    return AutoencoderRecommender(random_state=0).fit(csr_matrix(users))


@parametrize_with_checks(
    [AutoencoderRecommender(Autoencoder(1, max_iter=1), network_weight=0.5), LINEAR]
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_the_closed_form_is_the_inverse_of_the_formula(users):
    users = users / users.mean(where=users > 0)
    weight = np.maximum(users.sum(axis=1), 1) ** -0.25
    gram = users.T @ (users * weight[:, None])
    ridge = 5.0 * weight.mean() * np.eye(24) + np.diag(np.diag(gram)) * 0.3 / 0.7
    inverse = np.linalg.inv(gram + ridge)
    expected = np.eye(24) - inverse / np.diag(inverse)
    found = parts.solve_items(csr_array(users), 5.0, 0.3)
    np.testing.assert_allclose(found.weights, expected, atol=1e-9)
    np.testing.assert_allclose(found.scores(csr_array(users)), users @ expected, atol=1e-9)


def test_each_item_is_the_ridge_of_the_others(users):
    # Without dropout and with users alike, each column is a ridge regression on the rest.
    same = np.array([np.roll(users_of(1)[0], i) for i in range(24)])
    weights = parts.solve_items(csr_array(same), 2.0, 0.0).weights
    others = np.arange(24) != 5
    A = same[:, others]
    ridge = np.linalg.solve(A.T @ A + 2.0 * np.eye(23), A.T @ same[:, 5]) / same.sum() * same.sum()
    np.testing.assert_allclose(weights[others, 5], ridge, atol=1e-8)


def test_many_items_have_a_low_rank(users, monkeypatch):
    dense = parts.solve_items(csr_array(users), 5.0, 0.5)
    monkeypatch.setattr(_items, "MOST_DENSE", 10)
    low = parts.solve_items(csr_array(users), 5.0, 0.5)
    assert isinstance(low, parts.LowRankItems)
    # All but one of the directions are there.
    scores = low.scores(csr_array(users)), dense.scores(csr_array(users))
    assert np.corrcoef(scores[0].ravel(), scores[1].ravel())[0, 1] > 0.99
    for item in (0, 7):
        one = csr_array(np.eye(24)[[item]])
        np.testing.assert_allclose(low.scores(one)[0], low.weights_of(item), atol=1e-9)
        assert low.weights_to(item)[item] == low.weights_of(item)[item] == 0
        column = low.scores(csr_array(np.eye(24)))[:, item]
        np.testing.assert_allclose(column, low.weights_to(item), atol=1e-9)


def test_gains_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores, wanted = rng.random((20, 30)), (rng.random((20, 30)) < 0.2).astype(float)
    wanted[0] = 0
    found = parts.gains(parts.best(scores, 7), csr_array(wanted))
    assert np.isnan(found[0])
    expected = [
        ndcg_score(w[None], s[None], k=7) for w, s in zip(wanted[1:], scores[1:], strict=True)
    ]
    np.testing.assert_allclose(found[1:], expected)


def test_a_part_of_each_user_is_hidden(users):
    users = users.copy()
    users[0], users[1] = 0, np.eye(24)[3]
    seen, hidden = parts.hidden_part(csr_array(users), np.random.default_rng(0))
    np.testing.assert_array_equal((seen + hidden).toarray(), users)
    assert hidden[[0, 1]].nnz == 0
    counts = users.sum(axis=1)
    expected = np.maximum(1, np.floor(0.2 * counts))[2:]
    np.testing.assert_array_equal(np.diff(hidden.indptr)[2:], np.where(counts[2:] > 1, expected, 0))


def test_unseen_users_get_items_of_their_group(fitted):
    fresh = users_of(60, seed=1)
    seen, hidden = parts.hidden_part(csr_array(fresh), np.random.default_rng(0), 0.4)
    by_popularity = np.tile(fitted.popularity_, (60, 1))
    by_popularity[seen.nonzero()] = -np.inf
    popular = np.nanmean(parts.gains(parts.best(by_popularity, 100), hidden))
    assert fitted.score(csr_matrix(seen), csr_matrix(hidden)) > popular + 0.1


def test_recommendations_are_new_and_in_order(fitted, users):
    found = fitted.recommend(users, 5)
    assert found.shape == (120, 5)
    assert not np.take_along_axis(users, found, axis=1).any()
    scores = np.take_along_axis(fitted.predict_scores(users), found, axis=1)
    assert (np.diff(scores, axis=1) <= 0).all()
    everything = fitted.recommend(users, 24, exclude_seen=False)
    assert (np.sort(everything, axis=1) == np.arange(24)).all()


def test_fewer_items_than_asked_for(fitted, users):
    few = fitted.recommend(users, 3, items=[4, 5])
    assert set(few.ravel()) <= {-1, 4, 5}
    assert (few[:, 2] == -1).all()
    everything = np.ones((1, 24))
    assert (fitted.recommend(everything, 2) == -1).all()


def test_names(users):
    frame = pd.DataFrame(users, columns=[f"film {i}" for i in range(24)])
    named = clone(LINEAR).fit(frame)
    found = named.recommend(frame, 30)
    assert set(found[0]) <= {*frame.columns, None}
    assert found[0][-1] is None
    plain = clone(LINEAR).fit(users).recommend(users, 3)
    np.testing.assert_array_equal(found[:, :3], frame.columns.to_numpy()[plain])
    assert named.similar_items("film 0", 2).shape == (1, 2)
    only = named.recommend(frame, 1, items=["film 3"])
    assert set(only.ravel()) <= {"film 3", None}
    with pytest.raises(ValueError, match="'film 99'"):
        named.recommend(frame, items=["film 99"])


def test_a_user_without_items_gets_the_popular_ones(fitted):
    nobody = np.zeros((1, 24))
    expected = np.argsort(-fitted.popularity_, kind="stable")[:4]
    np.testing.assert_array_equal(fitted.recommend(nobody, 4)[0], expected)


def test_an_item_that_nobody_had_comes_last(users):
    users = users.copy()
    users[:, 7] = 0
    recommender = clone(LINEAR).fit(users)
    assert (recommender.recommend(users, 24, exclude_seen=False)[:, -1] == 7).all()
    assert np.isfinite(recommender.predict_scores(users)).all()


def test_explicit_ratings(users):
    rng = np.random.default_rng(0)
    ratings = np.where(users > 0, rng.integers(1, 6, users.shape), 0).astype(float)
    explicit = clone(LINEAR).set_params(threshold=4).fit(ratings)
    liked = (ratings >= 4).astype(float)
    implicit = clone(LINEAR).fit(liked)
    np.testing.assert_allclose(explicit.predict_scores(ratings), implicit.predict_scores(liked))
    # What was seen and not liked is not recommended either.
    found = explicit.recommend(ratings, 24)
    for row, items in zip(ratings, found, strict=True):
        assert not row[items[items >= 0]].any()


def test_a_unit_of_the_weights_changes_nothing(users):
    one, other = clone(LINEAR).fit(users), clone(LINEAR).fit(users * 7)
    np.testing.assert_allclose(one.predict_scores(users), other.predict_scores(users * 7))


def test_reasons_are_what_the_closed_form_adds_up(users):
    recommender = clone(LINEAR).fit(users)
    items = recommender.recommend(users, 1)[:, 0]
    reasons = recommender.explain(users, items, n_reasons=24)
    np.testing.assert_allclose(reasons.groupby("row")["share"].sum(), 1.0)
    assert (reasons["item"].to_numpy() == items[reasons["row"]]).all()
    assert users[reasons["row"], reasons["reason"].astype(int)].all()
    first = reasons.iloc[0]
    without = users[:1].copy()
    without[0, int(first["reason"])] = 0
    before, after = (
        recommender._items.scores(csr_array(u))[0, items[0]] for u in (users[:1], without)
    )
    weights = recommender._items.weights_to(items[0]) * users[0]
    np.testing.assert_allclose(before - after, first["share"] * np.maximum(weights, 0).sum())


def test_similar_items_are_of_the_group(fitted):
    found = fitted.similar_items(np.arange(24), 4)
    assert (found // 8 == np.arange(24)[:, None] // 8).mean() > 0.9
    assert not (found == np.arange(24)[:, None]).any()


def test_codes_and_embeddings(fitted, users):
    assert fitted.transform(users).shape == (120, 24)
    assert fitted.item_embeddings_.shape == (24, 200)
    assert len(fitted.get_feature_names_out()) == 24
    linear = clone(LINEAR).fit(users)
    codes = linear.transform(users)
    assert codes.shape == (120, 24)
    np.testing.assert_allclose(codes @ linear.item_embeddings_.T, users / 1.0, atol=1e-9)


def test_the_weight_is_that_of_the_best_gain(fitted):
    gains = fitted.validation_ndcg_
    assert fitted.network_weight_ == max(gains, key=gains.get)
    assert 0 in gains


def test_an_estimator_of_ones_own(users):
    network = DenoisingAutoencoder(4, max_iter=2, hidden_layer_sizes=(8,))
    recommender = AutoencoderRecommender(network, network_weight=0.5, random_state=0).fit(users)
    assert isinstance(recommender.estimator_, DenoisingAutoencoder)
    assert recommender.transform(users).shape == (120, 4)


def test_equal_fits_and_files(fitted, users):
    again = clone(fitted).fit(users)
    np.testing.assert_array_equal(again.predict_scores(users), fitted.predict_scores(users))
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_scores(users), fitted.predict_scores(users))


def test_few_users_have_the_closed_form():
    few = users_of(20)
    recommender = AutoencoderRecommender(random_state=0).fit(few)
    assert recommender.network_weight_ == 0
    assert recommender.validation_ndcg_ is None
    assert (recommender.alpha_, recommender.dropout_) == (200, 0.5)


def test_a_grid_search(users):
    grid = GridSearchCV(clone(LINEAR), {"alpha": [1.0, 1e6]}, cv=2).fit(csr_matrix(users))
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": -np.ones((9, 3))}, r"X holds -1.*set threshold"),
        ({"X": np.zeros((9, 3))}, "No user has an item"),
        ({"X": np.full((9, 3), np.nan)}, r"X holds NaN.*fillna\(0\)"),
        ({"X": pd.DataFrame(np.ones((9, 2)), columns=[7, 3])}, r"columns \[7, 3\].*astype"),
        ({"threshold": 9.0}, "a lower threshold than 9.0"),
        ({"alpha": 0}, "'alpha'"),
        ({"dropout": 1.0}, "'dropout'"),
        ({"network_weight": 2}, "'network_weight'"),
        ({"estimator": object()}, "'estimator'"),
    ],
)
def test_bad_input_is_named_and_loses_nothing(users, change, message):
    recommender = clone(LINEAR).fit(users)
    before = recommender.predict_scores(users)
    X = change.pop("X", users)
    recommender.set_params(**change)
    with pytest.raises(ValueError, match=message):
        recommender.fit(X)
    np.testing.assert_array_equal(
        recommender.set_params(threshold=None).predict_scores(users), before
    )


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", True])
def test_k_is_a_positive_number(fitted, users, k):
    with pytest.raises(ValueError, match="k="):
        fitted.recommend(users, k)
    with pytest.raises(ValueError, match="k="):
        fitted.similar_items([0], k)


def test_other_bad_calls(fitted, users):
    with pytest.raises(ValueError, match="items holds 24"):
        fitted.similar_items([24])
    with pytest.raises(ValueError, match=r"items has shape \(2,\)"):
        fitted.explain(users, [1, 2])
    with pytest.raises(ValueError, match="y has shape"):
        fitted.score(users, users[:5])
    assert fitted.score(users, np.zeros(120)) == fitted.score(users)  # labels of a classifier
    with pytest.raises(ValueError, match="No user has an item to find"):
        fitted.score(users, np.zeros_like(users))


def test_a_long_frame():
    frame = pd.DataFrame({"who": ["b", "a", "b", "b"], "what": [3, 1, 1, 3], "stars": [5, 4, 2, 3]})
    matrix, users, items = ratings_matrix(frame, "who", "what", "stars")
    np.testing.assert_array_equal(matrix.toarray(), [[4, 0], [2, 4]])
    assert list(users) == ["a", "b"]
    assert list(items) == [1, 3]
    np.testing.assert_array_equal(
        ratings_matrix(frame, "who", "what")[0].toarray(), [[1, 0], [1, 1]]
    )
    other = ratings_matrix(frame, "who", "what", items=[3, 9])
    np.testing.assert_array_equal(other.matrix.toarray(), [[0, 0], [1, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": "whom"}, "no column 'whom'"),
        ({"rating": "stars"}, "'stars' holds nan"),
        ({"user": "gap"}, "'gap' lacks a value in row 1"),
    ],
)
def test_a_long_frame_that_lacks_something(change, message):
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "stars": [1.0, np.nan], "gap": [1, None]})
    with pytest.raises(ValueError, match=message):
        ratings_matrix(frame, **change)
    with pytest.raises(ValueError, match="is a list"):
        ratings_matrix([1, 2])


def test_the_last_ratings_are_held_out():
    frame = pd.DataFrame({"user": np.repeat([0, 1], [10, 3]), "at": [*range(10), 3, 1, 2]})
    train, test = split_by_time(frame, "at")
    assert list(test["at"]) == [8, 9]
    assert len(train) == 11
    with pytest.raises(ValueError, match="test_size=2"):
        split_by_time(frame, "at", test_size=2)


def test_an_estimator_with_another_loss_of_its_own(users):
    # Reconstructions of any kind are standardised scores.
    recommender = AutoencoderRecommender(
        Autoencoder(3, max_iter=0), network_weight=1.0, alpha=1.0, random_state=0
    ).fit(users)
    rebuilt = recommender.estimator_.reconstruct(users)
    centred = rebuilt - rebuilt.mean(axis=1, keepdims=True)
    standard = centred / centred.std(axis=1, keepdims=True)
    np.testing.assert_allclose(recommender.predict_scores(users), standard, atol=1e-6)


def test_a_stored_zero_is_seen_and_not_liked(users):
    ratings = csr_matrix(users)
    ratings.data[::3] = 0
    recommender = clone(LINEAR).fit(ratings)
    found = recommender.recommend(ratings, 24)
    for row, items in zip(users, found, strict=True):
        assert not row[items[items >= 0]].any()
    liked = ratings.copy()
    liked.eliminate_zeros()
    np.testing.assert_allclose(
        recommender.predict_scores(ratings), recommender.predict_scores(liked)
    )
    all_rated = clone(LINEAR).set_params(threshold=0).fit(ratings)
    np.testing.assert_array_equal(all_rated.popularity_, users.sum(axis=0))


def test_the_score_is_of_what_is_recommended():
    rng = np.random.default_rng(0)
    ratings = np.where(users_of(80) > 0, rng.integers(1, 6, (80, 24)), 0).astype(float)
    _, wanted = parts.hidden_part(csr_array((ratings >= 4).astype(float)), rng)
    shown = ratings * (wanted.toarray() == 0)
    recommender = clone(LINEAR).set_params(threshold=4).fit(shown)
    expected = parts.gains(recommender.recommend(shown, 100), wanted)
    found = recommender.score(shown, wanted.toarray() * 5)
    np.testing.assert_allclose(found, np.nanmean(expected))


def test_a_mask_of_items(fitted, users):
    mask = np.arange(24) >= 20
    found = fitted.recommend(users, 4, items=mask, exclude_seen=False)
    assert set(found.ravel()) == {20, 21, 22, 23}
    assert fitted.similar_items(mask, 2).shape == (4, 2)
    with pytest.raises(ValueError, match="mask of shape"):
        fitted.recommend(users, items=mask[:5])


def test_nothing_is_like_an_item_that_nobody_had(users):
    users = users.copy()
    users[:, 7] = 0
    assert (clone(LINEAR).fit(users).similar_items([7], 3) == -1).all()
    with pytest.raises(ValueError, match="holds none"):
        clone(LINEAR).fit(users).similar_items([])


@pytest.mark.parametrize("n_reasons", [0, -1, 1.5])
def test_a_number_of_reasons(fitted, users, n_reasons):
    with pytest.raises(ValueError, match="n_reasons="):
        fitted.explain(users, n_reasons=n_reasons)


def test_names_of_another_type_and_times_that_are_alike():
    frame = pd.DataFrame({"user": 1, "item": range(10), "day": 1})
    assert list(split_by_time(frame, "day")[1]["item"]) == [8, 9]
    with pytest.raises(ValueError, match="names of their type"):
        ratings_matrix(frame, items=["1", "2"])
    with pytest.raises(ValueError, match="hold one twice"):
        ratings_matrix(frame, items=[1, 1])
    with pytest.raises(ValueError, match="datetime64"):
        ratings_matrix(frame.assign(at=pd.Timestamp("2024-01-01")), rating="at")


LOG = pd.DataFrame({"user": [1, 1, 2, 2], "item": list("abab"), "day": [2, 1, 4, 3]})


def _with(**columns):
    return LOG.assign(**columns)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pl.from_pandas(LOG).lazy(), r"pass frame\.collect\(\)"),
        (lambda: pd.concat([LOG, LOG[["user"]]], axis=1), "2 columns 'user'"),
        (lambda: _with(user=[[1], [1], [2], [2]]), r"'user' holds \[1\] in row 0, a list"),
        (lambda: LOG.set_index("user"), r"'user' in its index.*reset_index"),
    ],
)
@pytest.mark.parametrize("split", [True, False])
def test_frames_that_are_read_in_vain(make, message, split):
    with pytest.raises(ValueError, match=message):
        split_by_time(make(), "day") if split else ratings_matrix(make())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ratings_matrix(_with(item=[1, "a", (1, 2), 2])), "names of several types"),
        (lambda: ratings_matrix(_with(rating=[1j] * 4), rating="rating"), "complex128"),
        (lambda: ratings_matrix(LOG, users=[[1], [2]]), "not a flat list"),
        (lambda: split_by_time(_with(day=[1, "2", 3, 4]), "day"), "times of several types"),
    ],
)
def test_cells_that_have_no_order(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("index", [["user"], ["user", "item"], None])
def test_an_index_is_no_column(index):
    frame = LOG.set_axis([7, 7, 8, 8]) if index is None else LOG.set_index(index, drop=False)
    earlier, later = split_by_time(frame, "day", test_size=0.5)
    assert earlier["day"].tolist() == [1, 3]
    assert later["day"].tolist() == [2, 4]
    assert ratings_matrix(frame).matrix.shape == (2, 2)


def test_large_ratings_have_a_mean():
    frame = pd.concat([_with(rating=[1e308, 1.5e308, 1.0, 3.0])] * 2)
    found = ratings_matrix(frame, rating="rating").matrix.toarray()
    assert_allclose(found, [[1e308, 1.5e308], [1.0, 3.0]])


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_a_unit_of_any_size_changes_nothing(users, unit):
    model = AutoencoderRecommender(network_weight=0, random_state=0)
    few = users[:80]
    expected = model.fit(few).recommend(few[:5], 4)
    assert_array_equal(model.recommend(few[:5] * unit, 4), expected)
    assert_array_equal(model.fit(few * unit).recommend(few[:5] * unit, 4), expected)
