"""Fits whose rows are in several parts, by threads in place of processes."""

from __future__ import annotations

import itertools
import shutil

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
    Penalty,
    StackedAutoencoder,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
)
from sklearn_ae.autoencoders._from_source import Named
from sklearn_ae.data import Rows, Table
from sklearn_ae.distributed._checkpoint import WorkerCheckpoint
from sklearn_ae.distributed._fit import check_estimator
from sklearn_ae.distributed._fitter import fit_shard
from sklearn_ae.distributed._shards import Part, Shard
from sklearn_ae.inference import TrainingRange
from sklearn_ae.runtime import kept_by
from sklearn_ae.sources import Blocks
from sklearn_ae.starts import PCAStart, PPCAStart, RidgeStart, fit_scalings
from sklearn_ae.terms import Term
from tests.distributed.threads import together

N = 1400
SMALL = {"hidden_layer_sizes": (16,), "random_state": 0}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, 2))
    x = np.tanh(2 * z @ rng.normal(size=(2, 8))) + 0.05 * rng.normal(size=(N, 8))
    return x[np.argsort(z[:, 0])]  # parts differ


class Near(Penalty):
    """Draws the first component to a number."""

    reads = ("number",)

    def build(self, n_components, bounded):
        return NearTerm()


class NearTerm(Term):
    per_row = True

    def forward(self, network, batch, result, generator):
        return (result.code.sample[:, 0] - batch.companions["number"]).square()


def frame(X):
    return pd.DataFrame(X[:, :4], columns=list("abcd")).assign(
        number=np.where(X[:, 4] > 0.8, np.nan, X[:, 4]),
        level=np.where(X[:, 5] > 0, "high", np.where(X[:, 6] > 0, "low", "none")),
        count=np.round(3 * (X[:, 7] + 2)).astype(int),
    )


def fitted(estimator, X, count, **given):
    """Fit in so many parts, of which the last is the smallest."""
    rows = Blocks([X] if np.ndim(X) == 2 else [])
    named = Named(rows, given.get("sample_weight"), given.get("companions"))
    ends = [0, *(len(X) * i // count + 7 for i in range(1, count)), len(X)]

    def work(workers):
        part = slice(*ends[workers.rank :][:2])
        shard = Shard(None, ends[workers.rank], len(X))
        own = named.of(X.iloc[part] if isinstance(X, pd.DataFrame) else X[part], shard.start)
        return fit_shard(clone(estimator), Part(*own), shard, workers)

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


def test_weights_and_companions_are_columns(X):
    rng = np.random.default_rng(1)
    weight = rng.choice(3, N, p=[0.2, 0.4, 0.4]) * np.linspace(
        0.2, 2.0, N
    )  # those of one part are small
    number = X[:, 0] + rng.normal(size=N)
    rows = pd.DataFrame(X, columns=list("abcdefgh")).assign(w=weight, y=number)
    estimator = Autoencoder(2, max_iter=8, penalties=(Near(),), **SMALL)
    alone = clone(estimator).fit(X, sample_weight=weight, companions={"number": number})
    named = {"sample_weight": "w", "companions": {"number": "y"}}
    one, two = (fitted(estimator, rows, n, **named) for n in (1, 2))
    unweighted = fitted(estimator, rows.drop(columns="w"), 2, companions={"number": "y"})
    assert list(two.feature_names_in_) == list("abcdefgh")
    np.testing.assert_array_equal(one.transform(rows[list("abcdefgh")]), alone.transform(X))
    assert one.offset_ == alone.offset_
    for name in ("start_loss", "network_loss"):
        found, expected = getattr(two.selection_, name), getattr(alone.selection_, name)
        assert found == pytest.approx(expected, rel=0.02), name
        assert getattr(unweighted.selection_, name) != pytest.approx(expected, rel=0.02), name
    first = [model.history_["near"][1] for model in (two, alone)]
    assert first[0] == pytest.approx(first[1], rel=0.05)
    with pytest.raises(ValueError, match=r"column 'v' was named .* name one of these"):
        fitted(estimator, rows, 2, sample_weight="v")
    with pytest.raises(ValueError, match="zero for all rows of one of the workers"):
        Shard(None, 0, N).check(least=0)
    with pytest.raises(ValueError, match="499 rows of positive weight"):
        fitted(estimator, rows, 2, sample_weight=np.arange(N) > 900)


def test_images_in_parts():
    images = np.random.default_rng(0).integers(0, 256, size=(1000, 6, 6, 1)).astype(np.uint8)
    estimator = ConvolutionalAutoencoder(2, max_iter=1, random_state=0)
    two = fitted(estimator, images, 2)
    assert two.reconstruct(images[:3]).shape == (3, 6, 6, 1)
    alone = clone(estimator).fit(images)
    assert two.selection_.start_loss == pytest.approx(alone.selection_.start_loss, rel=1e-4)


def test_a_fit_goes_on_after_the_last_epoch_that_all_have_kept(X, tmp_path):
    numbers = itertools.count()

    def run(before=None, stop=0, seed=None):
        """Fit by two workers, to the end or until so many epochs are kept; return what is."""
        *own, kept = (tmp_path / str(next(numbers)) for _ in range(3))
        estimator = DenoisingAutoencoder(
            2, max_iter=5, hidden_layer_sizes=(16,), dropout=0.1, random_state=seed
        )

        def work(workers):
            handed = []

            def hand_over(folder):
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                handed.append(workers.objects(0))  # all have
                if len(handed) == stop:
                    raise RuntimeError("killed")

            folder = own[workers.rank]
            if before is None:
                folder.mkdir()
            else:
                shutil.copytree(before, folder)
            with kept_by(WorkerCheckpoint(workers, folder, hand_over, 0.0)):
                half = slice(700 * workers.rank, 700 * (workers.rank + 1))
                shard = Shard(None, half.start, N)
                found = fit_shard(clone(estimator), Part(X[half]), shard, workers)
            return found, len(handed)

        try:
            return kept, *together(2, work)[0]
        except RuntimeError:
            return kept, None, stop

    third, _, n_before = run(stop=3)
    _, found, n_after = run(third)
    # The seed, which was drawn, is kept too.
    _, whole, n_all = run(seed=found._entropy)
    assert n_before + n_after == n_all
    np.testing.assert_array_equal(found.transform(X), whole.transform(X))
    assert found.selection_ == whole.selection_
    assert found.offset_ == whole.offset_


def test_one_part_that_cannot_be_read_ends_all(X):
    X = X.copy()
    X[-1, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted(Autoencoder(2), X, 2)


@pytest.mark.parametrize(
    ("estimator", "says"),
    [
        (AutoencoderOutlierDetector(), "fit it on a sample"),
        (StackedAutoencoder(), "hidden_layer_sizes"),
        (VectorQuantizedAutoencoder(), "codewords"),
        (Autoencoder(optimizer=print), "set optimizer=None"),
        (Autoencoder(checkpoint="folder"), "set checkpoint=None: Ray Train keeps"),
    ],
    ids=["detector", "stacked", "codewords", "optimizer", "checkpoint"],
)
def test_what_workers_cannot_fit_is_refused_by_name(estimator, says):
    with pytest.raises(TypeError, match=says):
        check_estimator(estimator)
