"""The start is PCA: weighted, of any shape and rank, for columns of any magnitude."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.decomposition import PCA

from sklearn_ae.data import ColumnScaling, LazyRows, Rows, SparseRows, _lazy_rows, _rows
from sklearn_ae.runtime import torch_threads
from sklearn_ae.starts import LinearStart, PCAStart, PPCAStart, RidgeStart, Start, _pca

SHAPES = {"tall": (60, 5), "square": (9, 9), "wide": (10, 40), "one column": (20, 1)}


def make(n_samples: int, n_features: int, rank: int | None = None, seed: int = 0) -> np.ndarray:
    """Rows with a falling spectrum, columns of different scales and means."""
    rng = np.random.default_rng(seed)
    rank = min(n_samples, n_features) if rank is None else rank
    factors = rng.normal(size=(n_samples, rank)) * 0.7 ** np.arange(rank)
    scales = rng.uniform(0.5, 5.0, size=n_features)
    return factors @ rng.normal(size=(rank, n_features)) * scales + rng.normal(size=n_features)


class Solved:
    """A start solved on rows, with its codes and reconstructions in X's units."""

    def __init__(
        self,
        X: np.ndarray,
        n_components: int,
        weight: np.ndarray | None = None,
        seed: int = 0,
        scaled: bool = False,
    ) -> None:
        rows = Rows(X, weight)
        self.scaling = ColumnScaling.fit(rows)
        generator = torch.Generator().manual_seed(seed)
        with torch_threads(1):
            solver = PCAStart(scaled)
            start = solver.solve(rows, self.scaling, self.scaling, n_components, generator)
        self.encoder, self.decoder = start.encoder.numpy(), start.decoder.numpy()

    def codes(self, X: np.ndarray) -> np.ndarray:
        return self.scaling.apply(X) @ self.encoder

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return self.scaling.restore(self.codes(X) @ self.decoder)


def pca_reconstruction(X: np.ndarray, n_components: int) -> np.ndarray:
    pca = PCA(n_components, svd_solver="full").fit(X)
    return pca.inverse_transform(pca.transform(X))


def spy_on_subspace(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every shape count as long; return a list that grows with each iteration solve."""
    calls, solve = [], _pca.subspace

    def spy(covariance, shape, n_components, generator):
        calls.append(n_components)
        return solve(covariance, shape, n_components, generator)

    monkeypatch.setattr(_pca, "_FULL", 0)
    monkeypatch.setattr(_pca, "subspace", spy)
    return calls


@pytest.mark.parametrize("n_components", [1, 3])
@pytest.mark.parametrize("shape", ["tall", "square", "wide"])
def test_reconstructions_are_those_of_pca(shape: str, n_components: int) -> None:
    X = make(*SHAPES[shape])
    assert_allclose(
        Solved(X, n_components).reconstruct(X), pca_reconstruction(X, n_components), atol=1e-10
    )


@pytest.mark.parametrize("shape", ["tall", "square", "wide"])
def test_codes_are_those_of_whitened_pca_with_its_signs(shape: str) -> None:
    X = make(*SHAPES[shape])
    expected = PCA(3, whiten=True, svd_solver="full").fit_transform(X)
    assert_allclose(Solved(X, 3).codes(X) * np.sqrt((len(X) - 1) / len(X)), expected, atol=1e-9)


@pytest.mark.parametrize("rank", [None, 2])
def test_scaled_codes_are_those_of_pca_relative_to_the_largest_column(rank: int | None) -> None:
    X = make(60, 5, rank)
    plain, scaled = Solved(X, 3), Solved(X, 3, scaled=True)
    expected = PCA(3, svd_solver="full").fit_transform(X) / X.std(axis=0).max()
    assert_allclose(scaled.codes(X), expected, atol=1e-9)
    assert_allclose(scaled.reconstruct(X), plain.reconstruct(X), atol=1e-10)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_spectrum_is_the_explained_variance_ratio(shape: str) -> None:
    X = make(*SHAPES[shape])
    rows = Rows(X)
    spectrum = PCAStart().spectrum(rows, ColumnScaling.fit(rows))
    assert_allclose(spectrum, PCA().fit(X).explained_variance_ratio_, atol=1e-14)
    assert spectrum.sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_weights_count_like_repeated_rows(shape: str) -> None:
    X = make(*SHAPES[shape])
    times = np.random.default_rng(1).integers(0, 4, size=len(X))
    weighted = Solved(X, 2, weight=times.astype(float))
    repeated = Solved(np.repeat(X, times, axis=0), 2)
    assert_allclose(weighted.encoder, repeated.encoder, atol=1e-10)
    assert_allclose(weighted.decoder, repeated.decoder, atol=1e-10)
    rows = Rows(X, times.astype(float))
    spectrum = PCAStart().spectrum(rows, ColumnScaling.fit(rows))
    ratio = PCA().fit(np.repeat(X, times, axis=0)).explained_variance_ratio_
    n_shared = min(len(spectrum), len(ratio))
    assert_allclose(spectrum[:n_shared], ratio[:n_shared], atol=1e-14)


@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_blocks_do_not_change_the_solution(monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    X = make(*SHAPES[shape])
    whole = Solved(X, 2)
    monkeypatch.setattr(_rows, "_BLOCK_CELLS", 3 * X.shape[1])
    monkeypatch.setattr(_rows, "_BLOCK_ROWS", 1)
    by_block = Solved(X, 2)
    assert_allclose(by_block.encoder, whole.encoder, atol=1e-11)
    assert_allclose(by_block.decoder, whole.decoder, atol=1e-11)


@pytest.mark.parametrize("shape", [(60, 8), (10, 40), (60, 40)])
def test_components_beyond_the_rank_are_zero_in_every_row(shape: tuple[int, int]) -> None:
    X = make(*shape, rank=2)
    solved = Solved(X, 5)
    assert_array_equal(solved.encoder[:, 2:], 0)
    assert np.abs(solved.encoder[:, :2]).max() > 0.1
    assert_allclose(solved.reconstruct(X), X, atol=1e-10)
    # Directions that differ let training give the further components a meaning.
    assert np.isfinite(solved.decoder).all()
    assert np.linalg.matrix_rank(solved.decoder) == 5


def test_more_components_than_rows_restore_the_rows() -> None:
    X = make(3, 10)
    solved = Solved(X, 6)
    assert_allclose(solved.reconstruct(X), X, atol=1e-12)
    assert_array_equal(solved.encoder[:, 2:], 0)


@pytest.mark.parametrize("n_samples", [1, 20])
def test_constant_rows_have_no_component(n_samples: int) -> None:
    X = np.full((n_samples, 3), 7.0)
    rows = Rows(X)
    assert_array_equal(PCAStart().spectrum(rows, ColumnScaling.fit(rows)), 0)
    solved = Solved(X, 2)
    assert_array_equal(solved.encoder, 0)
    assert_array_equal(solved.reconstruct(X), X)


def test_a_constant_column_has_no_part_in_the_code() -> None:
    X = make(60, 5)
    padded = Solved(np.insert(X, 2, 3.0, axis=1), 2)
    assert_array_equal(padded.encoder[2], 0)
    assert_array_equal(padded.decoder[:, 2], 0)
    assert_allclose(np.delete(padded.encoder, 2, axis=0), Solved(X, 2).encoder, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(80, 40), (40, 80)])
def test_subspace_iteration_finds_the_same_components(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], weighted: bool
) -> None:
    X = make(*shape)
    weight = np.random.default_rng(1).uniform(0, 2, size=len(X)) if weighted else None
    exact = Solved(X, 3, weight)
    calls = spy_on_subspace(monkeypatch)
    found = Solved(X, 3, weight)
    assert calls == [3]
    assert_allclose(found.encoder, exact.encoder, atol=1e-9)
    assert_allclose(found.reconstruct(X), exact.reconstruct(X), atol=1e-8)


@pytest.mark.parametrize("shape", [(80, 40), (40, 80)])
def test_subspace_iteration_pads_beyond_the_rank(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    X = make(*shape, rank=2)
    calls = spy_on_subspace(monkeypatch)
    solved = Solved(X, 4)
    assert calls == [4]
    assert_array_equal(solved.encoder[:, 2:], 0)
    assert_allclose(solved.reconstruct(X), X, atol=1e-9)


def test_columns_sixty_orders_apart_are_all_regressed_on_the_code() -> None:
    Y = make(60, 5)
    units = np.array([1e-30, 1e30, 1.0, 1e30, 1e-30])
    solved = Solved(Y * units, 2)
    restored = solved.reconstruct(Y * units) / units
    large = units == 1e30
    assert_allclose(restored[:, large], Y[:, large], atol=1e-9)
    design = np.c_[np.ones(60), Y[:, large]]
    fitted = design @ np.linalg.lstsq(design, Y[:, ~large], rcond=None)[0]
    assert_allclose(restored[:, ~large], fitted, atol=1e-9)


def test_draws_come_from_the_given_generator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    X = make(60, 30, rank=2)
    spy_on_subspace(monkeypatch)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = Solved(X, 4), Solved(X, 4), Solved(X, 4, seed=1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert_array_equal(first.encoder, again.encoder)
    assert_array_equal(first.decoder, again.decoder)
    assert np.abs(first.decoder[2:] - other.decoder[2:]).max() > 1e-3


class CountedRows(LazyRows):
    """Rows of an array that count how often each is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.reads = np.zeros(len(array), dtype=int)

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __getitem__(self, index: slice | np.ndarray) -> CountedRows:
        return CountedRows(self.array[index])

    def dense(self, index: slice | np.ndarray) -> np.ndarray:
        self.reads[index] += 1
        return self.array[index]

    def pieces(self) -> Iterator[np.ndarray]:
        yield self.array

    def n_distinct(self) -> int:
        return len(np.unique(self.array, axis=0))

    def arrays(self) -> np.ndarray:
        return self.array

    def missing_columns(self) -> np.ndarray:
        return np.empty(0, dtype=np.intp)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("start", "passes"), [(PCAStart(), 2), (PPCAStart(), 1), (RidgeStart(None), 1)]
)
def test_large_rows_of_few_columns_are_read_once_or_twice(
    monkeypatch: pytest.MonkeyPatch, start: Start, passes: int, weighted: bool
) -> None:
    monkeypatch.setattr(_lazy_rows, "EXPANDED_CELLS", 1000)
    X = make(900, 20)
    weight = np.random.default_rng(1).uniform(0.1, 2, size=len(X)) if weighted else None
    dense, lazy = Rows(X, weight), Rows(CountedRows(X), weight)
    assert lazy.large
    scaling = ColumnScaling.fit(dense)

    def solved(rows: Rows) -> LinearStart:
        return start.solve(rows, scaling, scaling, 4, torch.Generator().manual_seed(0))

    found, expected = solved(lazy), solved(dense)
    assert lazy.values.reads.max() <= passes
    assert_allclose(found.encoder, expected.encoder, atol=1e-10)
    assert_allclose(found.decoder, expected.decoder, atol=1e-10)


@pytest.mark.parametrize("n_features", [20, 200])
def test_the_leading_spectrum_of_large_sparse_rows_is_that_of_dense_ones(
    monkeypatch: pytest.MonkeyPatch, n_features: int
) -> None:
    monkeypatch.setattr(_lazy_rows, "EXPANDED_CELLS", 1000)
    X = make(900, n_features, rank=12)
    calls = spy_on_subspace(monkeypatch)
    monkeypatch.setattr(_pca, "_FULL", 2000)
    rows = Rows(SparseRows(sparse.csr_array(X)))
    generator = torch.Generator().manual_seed(0)
    found = PCAStart().leading_spectrum(rows, ColumnScaling.fit(rows), 3, generator)
    assert len(calls) == (n_features > 128)
    assert_allclose(found, PCA().fit(X).explained_variance_ratio_[:3], atol=1e-10)
