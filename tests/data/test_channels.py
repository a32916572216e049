"""Neighbours in an image or a sequence share a unit and keep their own means."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ae.data import (
    ChannelScaling,
    ColumnScaling,
    Images,
    NormalScores,
    Ragged,
    Rows,
    fit_scaling,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(50, 3, 4, 2)) * [1.0, 10.0] + RNG.normal(size=(3, 4, 2))


def rows_of(X, weight=None):
    adapter = Images().fit(X)
    return Rows(adapter.rows(X), weight, sample_shape=adapter.sample_shape)


def test_means_are_by_pixel_and_scales_by_channel():
    scaling = ChannelScaling.fit(rows_of(IMAGES))
    assert_allclose(scaling.mean, IMAGES.mean(axis=0).ravel())
    expected = np.sqrt(IMAGES.var(axis=0).mean(axis=(0, 1)))
    assert_allclose(scaling.scale.reshape(-1, 2), np.tile(expected, (12, 1)))


def test_means_of_images_of_many_sizes_are_by_channel():
    X = [RNG.normal(size=(*RNG.integers(1, 6, 2), 2)) * [1, 5] + [0, 9] for _ in range(30)]
    scaling = ChannelScaling.fit(rows_of(X))
    cells = np.concatenate([x.reshape(-1, 2) for x in X])
    assert_allclose(scaling.mean, cells.mean(axis=0))
    assert_allclose(scaling.scale, cells.std(axis=0))
    one_size = Ragged.of(list(IMAGES))
    whole = ChannelScaling.fit(Rows(one_size, sample_shape=(3, 4, 2)))
    assert_allclose(whole.mean, IMAGES.mean(axis=(0, 1, 2)))


def test_weights_count_as_repetitions():
    counts = RNG.integers(1, 4, size=50)
    weighted = ChannelScaling.fit(rows_of(IMAGES, counts.astype(float)))
    repeated = ChannelScaling.fit(rows_of(np.repeat(IMAGES, counts, axis=0)))
    assert_allclose(weighted.mean, repeated.mean)
    assert_allclose(weighted.scale, repeated.scale)
    X = [IMAGES[i, : 1 + i % 3] for i in range(50)]
    weighted = ChannelScaling.fit(rows_of(X, counts.astype(float)))
    repeated = ChannelScaling.fit(
        rows_of([x for x, c in zip(X, counts, strict=True) for _ in range(c)])
    )
    assert_allclose(weighted.mean, repeated.mean)
    assert_allclose(weighted.scale, repeated.scale)
    without = ChannelScaling.fit(rows_of(X, (np.arange(50) < 20).astype(float)))
    assert_allclose(without.mean, ChannelScaling.fit(rows_of(X[:20])).mean)


def test_missing_steps_have_no_part_in_the_scales():
    cells = RNG.normal([0, 4], size=(60, 2))
    cells[::5, 0] = cells[::3, 1] = np.nan
    scaling = ChannelScaling.fit(Rows(Ragged(cells, np.full((12, 1), 5)), sample_shape=(5, 2)))
    assert_allclose(scaling.mean, np.nanmean(cells, axis=0))
    assert_allclose(scaling.scale, np.nanstd(cells, axis=0))


def test_a_channel_never_observed_has_scale_zero():
    cells = np.c_[RNG.normal(size=20), np.full(20, np.nan)]
    scaling = ChannelScaling.fit(Rows(Ragged(cells, np.full((4, 1), 5)), sample_shape=(5, 2)))
    assert scaling.mean[1] == scaling.scale[1] == 0


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_scales_of_any_size_do_not_overflow(factor):
    scaling = ChannelScaling.fit(rows_of(IMAGES * factor))
    near = ChannelScaling.fit(rows_of(IMAGES))
    assert_allclose(scaling.scale / factor, near.scale)


def test_constant_channels_have_scale_zero():
    X = np.concatenate([IMAGES, np.full((50, 3, 4, 1), 0.1)], axis=3)
    scaling = ChannelScaling.fit(rows_of(X))
    assert (scaling.scale[2::3] == 0).all()
    assert (ChannelScaling.fit(rows_of(np.zeros((5, 2, 2)))).scale == 0).all()


def test_only_columns_on_a_grid_share_a_unit():
    X = RNG.normal(size=(50, 4)) * [1, 2, 3, 4]
    assert type(fit_scaling(Rows(X))) is ColumnScaling
    assert type(fit_scaling(Rows(X), normal_scores=True)) is NormalScores
    for normal_scores in (True, False):
        assert (
            type(fit_scaling(Rows(X, sample_shape=(2, 2, 1)), normal_scores=normal_scores))
            is ChannelScaling
        )
    assert len(set(fit_scaling(Rows(X, sample_shape=(2, 2, 1))).scale)) == 1
    assert len(set(fit_scaling(Rows(X)).scale)) == 4
