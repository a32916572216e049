"""Fits whose rows are in several parts, by threads in place of processes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from sklearn_ae import (
    Autoencoder,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
)
from sklearn_ae.data import Rows, Table
from sklearn_ae.distributed._fit import check_estimator
from sklearn_ae.distributed._fitter import fit_shard
from sklearn_ae.distributed._shards import Shard, joined
from sklearn_ae.inference import TrainingRange
from sklearn_ae.starts import PCAStart, PPCAStart, RidgeStart, fit_scalings
from tests.distributed.threads import together

N = 1400
SMALL = {"hidden_layer_sizes": (16,), "random_state": 0}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, 2))
    x = np.tanh(2 * z @ rng.normal(size=(2, 8))) + 0.05 * rng.normal(size=(N, 8))
    return x[np.argsort(z[:, 0])]  # parts differ


def frame(X):
    return pd.DataFrame(X[:, :4], columns=list("abcd")).assign(
        number=np.where(X[:, 4] > 0.8, np.nan, X[:, 4]),
        level=np.where(X[:, 5] > 0, "high", np.where(X[:, 6] > 0, "low", "none")),
        count=np.round(3 * (X[:, 7] + 2)).astype(int),
    )


def fitted(estimator, X, count):
    """Fit in so many parts, of which the last is the smallest."""
    ends = [0, *(len(X) * i // count + 7 for i in range(1, count)), len(X)]

    def work(workers):
        part = slice(*ends[workers.rank :][:2])
        own = X.iloc[part] if isinstance(X, pd.DataFrame) else X[part]
        shard = Shard(None, ends[workers.rank], len(X))
        return fit_shard(clone(estimator), own, shard, workers)

    first, *others = together(count, work)
    assert others == [None] * (count - 1)
    return first


@pytest.mark.parametrize("start", [PCAStart(), PPCAStart(), RidgeStart(lambda x, rng: x + 1.0)])
def test_scales_and_starts_are_those_of_all_rows(X, start):
    X = X.copy()
    X[::7, 3] = np.nan
    whole = Rows(X)

    def solved(rows):
        scalings = start.scalings(rows, normal_scores=False)
        return scalings[0], start.solve(rows, *scalings, 3, torch.Generator().manual_seed(0))

    scaling, expected = solved(whole)
    lacks = whole.missing_columns

    def work(workers):
        part = [slice(0, 600), slice(600, None)][workers.rank]
        return solved(Rows(X[part], missing_columns=lacks, workers=workers))

    for own, found in together(2, work):
        np.testing.assert_allclose(own.mean, scaling.mean, rtol=1e-12)
        np.testing.assert_allclose(own.scale, scaling.scale, rtol=1e-12)
        np.testing.assert_allclose(found.encoder, expected.encoder, atol=1e-9)
        np.testing.assert_allclose(found.decoder, expected.decoder, atol=1e-9)


def test_scales_and_ranges_of_mixed_columns_are_those_of_all_rows(X):
    table = Table().fit(frame(X))
    values = table.rows(frame(X))
    whole = Rows(values)
    expected = fit_scalings(whole)[0]
    ends = TrainingRange.of(whole, expected, 1.0)

    def work(workers):
        part = [slice(0, 600), slice(600, None)][workers.rank]
        rows = Rows(values[part], missing_columns=whole.missing_columns, workers=workers)
        own = fit_scalings(rows)[0]
        return own, TrainingRange.of(rows, own, 1.0)

    for own, found in together(2, work):
        np.testing.assert_allclose(own.share, expected.share, rtol=1e-9)
        np.testing.assert_allclose(own.best, expected.best, rtol=1e-9)
        np.testing.assert_allclose(found.low, ends.low, rtol=1e-9)
        np.testing.assert_allclose(found.high, ends.high, rtol=1e-9)


@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(2, max_iter=8, **SMALL),
        VariationalAutoencoder(2, max_iter=5, **SMALL),
        DenoisingAutoencoder(2, max_iter=5, **SMALL),
    ],
    ids=lambda e: type(e).__name__,
)
def test_two_parts_are_as_good_as_one_process(X, estimator):
    alone = clone(estimator).fit(X)
    one, two = fitted(estimator, X, 1), fitted(estimator, X, 2)
    np.testing.assert_array_equal(one.transform(X), alone.transform(X))
    assert one.offset_ == alone.offset_
    # Held-out rows that are corrupted, are so by the draws of each part.
    rel = 0.05 if isinstance(estimator, DenoisingAutoencoder) else 1e-4
    assert two.selection_.start_loss == pytest.approx(alone.selection_.start_loss, rel=rel)
    assert two.selection_.kept == alone.selection_.kept
    # Draws differ, so that few epochs of few rows agree less than long fits do.
    gain = alone.selection_.start_loss - alone.selection_.network_loss
    assert two.selection_.network_loss == pytest.approx(
        alone.selection_.network_loss, rel=rel, abs=0.1 * abs(gain)
    )
    assert two.offset_ == pytest.approx(alone.offset_, rel=0.2, abs=0.2)


def test_mixed_frames_have_levels_of_all_parts(X):
    rows = frame(X)
    estimator = Autoencoder(2, max_iter=3, **SMALL)
    alone, two = clone(estimator).fit(rows), fitted(estimator, rows, 2)
    again = fitted(estimator, rows, 2)
    assert list(two.feature_names_in_) == list(rows.columns)
    pd.testing.assert_series_equal(two.reconstruct(rows).dtypes, alone.reconstruct(rows).dtypes)
    assert set(two.reconstruct(rows)["level"]) <= {"high", "low", "none"}
    assert two.selection_.start_loss == pytest.approx(alone.selection_.start_loss, rel=1e-4)
    np.testing.assert_array_equal(two.transform(rows), again.transform(rows))


def test_images_in_parts():
    images = np.random.default_rng(0).integers(0, 256, size=(1000, 6, 6, 1)).astype(np.uint8)
    estimator = ConvolutionalAutoencoder(2, max_iter=1, random_state=0)
    two = fitted(estimator, images, 2)
    assert two.reconstruct(images[:3]).shape == (3, 6, 6, 1)
    alone = clone(estimator).fit(images)
    assert two.selection_.start_loss == pytest.approx(alone.selection_.start_loss, rel=1e-4)


def test_one_part_that_cannot_be_read_ends_all(X):
    X = X.copy()
    X[-1, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted(Autoencoder(2), X, 2)


def test_levels_of_parts_are_united():
    parts = [pd.DataFrame({"c": pd.Categorical(levels)}) for levels in (["a", "b"], ["c", "a"])]
    assert list(joined(parts)["c"].cat.categories) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="select the same columns"):
        joined([parts[0], parts[1].rename(columns={"c": "d"})])


@pytest.mark.parametrize(
    ("estimator", "says"),
    [
        (AutoencoderOutlierDetector(), "fit it on a sample"),
        (StackedAutoencoder(), "hidden_layer_sizes"),
        (VectorQuantizedAutoencoder(), "codewords"),
        (Autoencoder(optimizer=print), "set optimizer=None"),
    ],
    ids=["detector", "stacked", "codewords", "optimizer"],
)
def test_what_workers_cannot_fit_is_refused_by_name(estimator, says):
    with pytest.raises(TypeError, match=says):
        check_estimator(estimator)
