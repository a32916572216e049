"""The neighbour graph against dense solutions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import NearestNeighbors

from sklearn_ae.starts import NeighbourGraph, RangeScaling, _neighbour_index


@pytest.fixture
def graph():
    return NeighbourGraph(np.random.default_rng(0).standard_normal((200, 5)))


@pytest.fixture
def labels():
    rng = np.random.default_rng(1)
    labels = np.zeros((200, 3))
    labels[rng.permutation(200)[:30], rng.integers(0, 3, 30)] = rng.uniform(0.5, 2, 30)
    return labels


def _dense(graph, alpha):
    weights = graph.weights.toarray()
    root = np.sqrt(weights.sum(axis=1))
    return np.linalg.inv(np.eye(len(weights)) - alpha * weights / np.outer(root, root))


def test_weights_are_those_of_the_formula(graph):
    distances, index = NearestNeighbors(n_neighbors=7).fit(graph.index.rows).kneighbors()
    near = np.zeros((200, 200))
    np.put_along_axis(near, index, distances, axis=1)
    reach = distances[:, -1]
    expected = np.exp(-(near**2) / np.outer(reach, reach)) * (near > 0)
    np.testing.assert_allclose(graph.weights.toarray(), np.maximum(expected, expected.T))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_the_solution_is_the_dense_one(graph, labels, alpha):
    inverse = _dense(graph, alpha)
    np.testing.assert_allclose(graph.solve(labels, alpha), inverse @ labels, atol=1e-9)
    shares = inverse @ (labels / labels.sum(axis=0))
    if alpha:
        shares /= shares.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(graph.spread(labels, alpha), shares, atol=1e-8)
    rows = np.arange(0, 200, 2)
    np.testing.assert_allclose(graph.diagonal(rows, alpha), np.diag(inverse)[rows], atol=1e-9)


def test_without_spreading_labels_stay(graph, labels):
    shares = graph.spread(labels, alpha=0.0)
    has = labels.any(axis=1)
    np.testing.assert_allclose(shares[has], labels[has] > 0, atol=1e-8)
    prior = labels.sum(axis=0) / labels.sum()
    np.testing.assert_allclose(shares[~has], np.tile(prior, (np.sum(~has), 1)))


def test_leave_one_out_is_spreading_without_the_label(graph, labels):
    rows = np.flatnonzero(labels.any(axis=1))
    found = graph.leave_one_out(labels, rows)
    for row, shares in zip(rows, found, strict=True):
        others = labels.copy()
        others[row] = 0
        np.testing.assert_allclose(graph.spread(others)[row], shares, atol=1e-8)


def test_a_part_without_a_label_gets_the_prior():
    rows, part = make_blobs([30, 30, 30], centers=[[0, 0], [99, 0], [0, 99]], random_state=0)
    graph = NeighbourGraph(rows)
    assert connected_components(graph.weights)[0] >= 3
    labels = np.zeros((90, 2))
    labels[np.flatnonzero(part == 0)[:3], 0] = 1
    labels[np.flatnonzero(part == 1)[:1], 1] = 1
    shares = graph.spread(labels)
    np.testing.assert_allclose(shares[part == 2], np.tile([0.75, 0.25], (30, 1)))
    np.testing.assert_allclose(graph.spread(labels, prior=[1, 1])[part == 2], 0.5)
    assert (shares[part == 1].argmax(axis=1) == 1).mean() > 0.9


def test_new_rows_have_what_their_neighbours_have(graph):
    values = np.random.default_rng(0).random((200, 2))
    found = graph.extend(graph.index.rows + 1e-9, values)
    assert found.min() >= values.min()
    assert found.max() <= values.max()
    np.testing.assert_allclose(graph.extend(graph.index.rows, np.ones((200, 1))), 1.0)
    assert np.isfinite(graph.extend(graph.index.rows * 1e6, values)).all()


@pytest.mark.parametrize("rows", [np.zeros((9, 2)), np.repeat(np.eye(2), 20, axis=0), np.eye(2)])
def test_equal_rows(rows):
    graph = NeighbourGraph(rows)
    labels = np.zeros((len(rows), 2))
    labels[0, 0] = labels[-1, 1] = 1
    assert np.isfinite(graph.spread(labels)).all()
    assert np.isfinite(graph.extend(rows + 1, labels)).all()


def test_no_label_at_all(graph):
    with pytest.raises(ValueError, match="No row has a label"):
        graph.spread(np.zeros((200, 2)))


def test_ranges_bound_nearly_constant_columns():
    rng = np.random.default_rng(0)
    rows = rng.random((50, 4)) * [1, 2, 3, 1e-6]
    scaling = RangeScaling(rows)
    ranges = np.ptp(rows, axis=0)
    np.testing.assert_allclose(scaling.unit[:3], ranges[:3])
    np.testing.assert_allclose(scaling.unit[3], 0.3 * np.median(ranges))
    assert np.isfinite(RangeScaling(np.ones((3, 2)))(np.ones((3, 2)))).all()


def test_the_approximate_index_finds_what_the_exact_one_does(monkeypatch):
    pytest.importorskip("faiss")
    rows = load_digits().data
    exact = NearestNeighbors(n_neighbors=7).fit(rows).kneighbors()
    monkeypatch.setattr(_neighbour_index, "MOST_EXACT", 1_000)
    index = _neighbour_index.NeighbourIndex(rows)
    distances, positions = index.of_themselves(7)
    assert not (positions == np.arange(len(rows))[:, None]).any()
    found = [len(set(a) & set(b)) for a, b in zip(positions, exact[1], strict=True)]
    assert np.sum(found) / positions.size > 0.97
    np.testing.assert_allclose(np.median(distances), np.median(exact[0]), rtol=1e-3)
    again = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(again(rows[:9], 7)[1], index(rows[:9], 7)[1])
