"""Very wide sparse rows are read, and compared, without being made dense."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_ae import AbsoluteError, Autoencoder, VariationalAutoencoder


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    values = np.zeros((300, 5000))
    columns = rng.choice(5000, 40, replace=False)
    factors = rng.normal(size=(300, 2))
    values[:, columns] = np.c_[factors, factors**2] @ rng.normal(size=(4, 40)) + 2.0
    values[:, columns] *= rng.random((300, 40)) < 0.9
    values[:, 7] = 3.0
    return values


@pytest.mark.parametrize("sizes", [(8,), ()])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_codes_scores_and_basis_are_those_of_dense_rows(sizes, dtype, rows):
    rows = rows.astype(dtype)
    weight = np.random.default_rng(1).integers(1, 3, 300).astype(float)
    estimator = Autoencoder(
        3, hidden_layer_sizes=sizes, max_iter=3, early_stopping=False, random_state=0
    )
    dense = estimator.fit(rows, sample_weight=weight)
    new = rows[:100] * dtype(1.3) + (rows[:100] != 0)
    new[:, 7] += 1
    scores = dense.score_samples(new)
    tolerance, share = (1e-8, 1e-8) if dtype == np.float64 else (1e-3, 1e-4)
    np.testing.assert_allclose(
        dense.transform(sparse.csr_array(new)), dense.transform(new), atol=tolerance
    )
    np.testing.assert_allclose(dense.score_samples(sparse.csr_array(new)), scores, rtol=share)
    found = dense.transform(new), dense.offset_, dense.explained_variance_ratio_
    ours = estimator.fit(sparse.csr_array(rows), sample_weight=weight)
    np.testing.assert_allclose(ours.transform(new), found[0], rtol=1e-3, atol=1e-3)
    assert ours.offset_ == pytest.approx(found[1], rel=1e-4)
    np.testing.assert_allclose(ours.explained_variance_ratio_, found[2], rtol=1e-4)


def test_other_losses_and_conditions_go_by_block(rows):
    new = sparse.csr_array(rows)
    absolute = Autoencoder(2, loss=AbsoluteError(), hidden_layer_sizes=(4,), max_iter=0).fit(rows)
    np.testing.assert_allclose(absolute.score_samples(new), absolute.score_samples(rows))
    label = np.arange(300) % 2
    model = VariationalAutoencoder(2, hidden_layer_sizes=(4,), max_iter=0, init="random")
    model.fit(rows[:60], condition=label[:60])
    np.testing.assert_allclose(model.transform(new, label), model.transform(rows, label), atol=1e-9)
