"""Sparse rows give what the same rows give as an array."""

import numpy as np
import pytest
from scipy import sparse

import sklearn_ae.autoencoders._reading as reading
import sklearn_ae.data._lazy_rows as compact
from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)

pytestmark = pytest.mark.usefixtures("few_folds")

ESTIMATORS = [
    Autoencoder(3, max_iter=3, random_state=0),
    ContractiveAutoencoder(3, max_iter=3, random_state=0),
    DenoisingAutoencoder(3, max_iter=3, random_state=0),
    SparseAutoencoder(6, max_iter=3, random_state=0),
    StackedAutoencoder(3, max_iter=3, random_state=0),
    VariationalAutoencoder(3, max_iter=3, random_state=0),
]
FORMATS = [
    sparse.csr_matrix,
    sparse.csc_matrix,
    sparse.coo_array,
    sparse.csr_array,
    sparse.lil_array,
    sparse.dok_array,
    sparse.bsr_array,
]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    values = rng.poisson(0.3, size=(400, 30)) * rng.gamma(1.0, size=(400, 30))
    values[:, :5] += values[:, 5:10] ** 2
    values[7] = 0.0
    return values


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_sparse_rows_give_what_dense_rows_give(estimator, rows):
    weight = np.random.default_rng(1).integers(0, 3, len(rows)).astype(float)
    estimator.fit(rows, sample_weight=weight)
    new = rows[:50] * 1.1
    new[:5] *= 10.0  # beyond the range of the training rows
    expected = {
        name: getattr(estimator, name)(new)
        for name in ("transform", "score_samples", "predict", "reconstruct")
    }
    expected["errors"] = estimator.reconstruction_errors(new)
    offset, score = estimator.offset_, estimator.score(new)
    estimator.fit(sparse.csr_array(rows), sample_weight=weight)
    compact = sparse.csc_array(new)
    assert estimator.offset_ == pytest.approx(offset, rel=1e-6)
    assert estimator.score(compact) == pytest.approx(score, rel=1e-6)
    for name, value in expected.items():
        found = getattr(estimator, "reconstruction_errors" if name == "errors" else name)(compact)
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-7 * np.abs(value).max())


@pytest.mark.parametrize("make", FORMATS, ids=lambda f: f.__name__)
def test_every_format_is_taken(make, rows):
    autoencoder = Autoencoder(2, max_iter=0).fit(make(rows))
    dense = Autoencoder(2, max_iter=0).fit(rows)
    np.testing.assert_allclose(autoencoder.transform(make(rows)), dense.transform(rows), atol=1e-9)


def test_types_are_kept(rows):
    autoencoder = Autoencoder(2, max_iter=0).fit(sparse.csr_array(rows.astype(np.float32)))
    assert autoencoder.transform(sparse.csr_array(rows.astype(np.float32))).dtype == np.float32
    counts = sparse.csr_array(np.round(rows).astype(np.int64))
    assert autoencoder.fit(counts).transform(counts).dtype == np.float64


def test_a_stream_of_sparse_rows(rows):
    ours, theirs = Autoencoder(2, random_state=0), Autoencoder(2, random_state=0)
    for _ in range(2):
        ours.partial_fit(sparse.csr_array(rows))
        theirs.partial_fit(rows)
    np.testing.assert_allclose(ours.transform(rows), theirs.transform(rows), rtol=1e-6, atol=1e-8)


def test_clean_rows_may_be_sparse(rows):
    noisy = rows * (np.random.default_rng(2).random(rows.shape) < 0.8)
    ours = DenoisingAutoencoder(3, max_iter=3, random_state=0)
    theirs = DenoisingAutoencoder(3, max_iter=3, random_state=0).fit(noisy, X_clean=rows)
    ours.fit(sparse.csr_array(noisy), X_clean=sparse.csr_array(rows))
    score = ours.score(sparse.csr_array(noisy), X_clean=sparse.csr_array(rows))
    assert score == pytest.approx(theirs.score(noisy, X_clean=rows), rel=1e-6)
    ours.fit(sparse.csr_array(noisy), X_clean=rows)
    assert ours.score(noisy, X_clean=rows) == pytest.approx(score, rel=1e-6)


@pytest.mark.parametrize("loss", ["bernoulli", "poisson"])
def test_domains_are_checked_without_making_rows_dense(loss, rows):
    bad = sparse.csr_array(-rows)
    with pytest.raises(ValueError, match="X holds -"):
        Autoencoder(2, loss=loss, max_iter=0).fit(bad)
    binary = (rows > 0).astype(float)
    ours = Autoencoder(2, loss=loss, max_iter=2, random_state=0).fit(sparse.csr_array(binary))
    theirs = Autoencoder(2, loss=loss, max_iter=2, random_state=0).fit(binary)
    assert ours.score(sparse.csr_array(binary)) == pytest.approx(theirs.score(binary), rel=1e-6)


@pytest.mark.parametrize("cls", [ConvolutionalAutoencoder, RecurrentAutoencoder])
def test_images_and_sequences_are_not_sparse(cls, rows):
    assert not cls().__sklearn_tags__().input_tags.sparse
    with pytest.raises(TypeError, match="Sparse data was passed"):
        cls(2).fit(sparse.csr_array(rows))
    with pytest.raises(TypeError, match="Sparse data was passed"):
        cls(2, max_iter=0).fit(rows).transform(sparse.csr_array(rows))


def test_not_finite_values_are_refused(rows):
    matrix = sparse.csr_array(rows)
    matrix.data[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        Autoencoder(2).fit(matrix)


@pytest.fixture
def large(monkeypatch):
    """Rows count as large from 2^18 cells on, and dense results from 2^27 bytes on."""
    assert compact.EXPANDED_CELLS == 2**25
    assert reading.LARGEST_DENSE == 2**31
    monkeypatch.setattr(compact, "EXPANDED_CELLS", 2**18)
    monkeypatch.setattr(reading, "LARGEST_DENSE", 2**27)


@pytest.mark.usefixtures("large")
def test_large_results_are_refused_and_come_in_blocks():
    wide = sparse.random_array((300, 2000), density=0.01, rng=np.random.default_rng(0)).tocsr()
    autoencoder = Autoencoder(2, hidden_layer_sizes=(4,), max_iter=0, random_state=0).fit(wide)
    tall = sparse.vstack([wide] * 30, format="csr")
    size = f"{9000 * 2000 * 8 / 2**30:.1f} GiB"
    for name in ("reconstruct", "reconstruction_errors"):
        with pytest.raises(ValueError, match=f"{name} of 9000 .* {size}.*iter_reconstruct"):
            getattr(autoencoder, name)(tall)
    with pytest.raises(ValueError, match="inverse_transform of 9000"):
        autoencoder.inverse_transform(np.zeros((9000, 2)))
    blocks = autoencoder.iter_reconstruct(tall.tocsc())
    first, second = next(blocks), next(blocks)
    assert first.shape == second.shape == (2**22 // 2000, 2000)
    both = autoencoder.reconstruct(tall[: 2 * len(first)])
    np.testing.assert_allclose(np.concatenate([first, second]), both, atol=1e-9)
    assert autoencoder.score(wide) == pytest.approx(
        -((wide - autoencoder.reconstruct(wide)) ** 2).sum(1).mean()
    )


@pytest.mark.usefixtures("large")
def test_default_widths_of_large_rows():
    rng = np.random.default_rng(0)
    few = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 50)) * (rng.random((400, 50)) < 0.99)
    wide = sparse.hstack([sparse.csr_array(few), sparse.csr_array((400, 950))], format="csr")
    shared = {"hidden_layer_sizes": (2,), "max_iter": 0, "random_state": 0}
    assert (
        Autoencoder(**shared).fit(wide).n_components_
        == Autoencoder(**shared).fit(few).n_components_
    )
    half = Autoencoder(0.5, **shared).fit(wide)
    assert half.n_components_ == Autoencoder(0.5, **shared).fit(few).n_components_
    noise = sparse.random_array((500, 600), density=0.05, rng=rng).tocsr()
    assert Autoencoder(**shared).fit(noise).n_components_ == 64
    with pytest.raises(ValueError, match=r"n_components=0.9 asks for more .* 256 leading"):
        Autoencoder(0.9, **shared).fit(noise)
