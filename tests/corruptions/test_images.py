"""Corruptions of images cut out, blur and coarsen as they say, in the units of the pixels."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter

from sklearn_ae import Blur, Downsampling, Erasing, GaussianNoise, MaskingNoise, SwapNoise
from sklearn_ae.data import ColumnScaling

EVERY = [Erasing(), Blur(), Downsampling()]
ids = pytest.mark.parametrize("corruption", EVERY, ids=lambda c: type(c).__name__)
SIZES = pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 5), (16, 16)])
RNG = np.random.default_rng(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=50, height=8, width=10, channels=2):
    return torch.from_numpy(1 + RNG.random((n, height, width, channels)))


@ids
@SIZES
def test_images_of_every_size_keep_it(corruption, size):
    x = images(6, *size)
    corrupted = corruption.corrupt(x, generator())
    assert corrupted.shape == x.shape
    assert corrupted.dtype == x.dtype
    assert torch.isfinite(corrupted).all()


@ids
def test_the_image_itself_is_left_alone_and_draws_come_from_the_generator(corruption):
    before = torch.get_rng_state()
    x = images()
    kept = x.clone()
    first, second = (corruption.corrupt(x, generator(1)) for _ in range(2))
    assert_array_equal(x, kept)
    assert_array_equal(first, second)
    assert (first != x).any()
    if isinstance(corruption, Erasing):
        assert (corruption.corrupt(x, generator(2)) != first).any()
    assert torch.equal(torch.get_rng_state(), before)


# Erasing


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_a_hole_holds_the_value_and_the_rest_stays(value):
    x = images(200)
    corrupted = Erasing(0.25, value).corrupt(x, generator())
    erased = corrupted != x
    assert (corrupted[erased] == value).all()
    assert (erased.all(dim=3) == erased.any(dim=3)).all()  # all channels or none
    shares = erased[..., 0].double().mean(dim=(1, 2))
    assert shares.max() <= 0.5
    assert shares.min() > 0
    assert shares.mean() == pytest.approx(0.25 * 0.625, abs=0.02)


def test_a_hole_is_one_rectangle_whose_place_and_shape_vary():
    erased = (Erasing(0.3).corrupt(images(200), generator()) == 0)[..., 0]
    places, forms = set(), set()
    for hole in erased:
        rows, columns = hole.any(dim=1).nonzero().ravel(), hole.any(dim=0).nonzero().ravel()
        assert hole.sum() == len(rows) * len(columns)
        assert len(rows) == rows[-1] - rows[0] + 1
        assert len(columns) == columns[-1] - columns[0] + 1
        places.add((int(rows[0]), int(columns[0])))
        forms.add((len(rows), len(columns)))
    assert len(places) > 20
    assert len(forms) > 5


@pytest.mark.parametrize("area", [0.05, 0.5, 1.0])
def test_holes_grow_with_their_area(area):
    x = images(300, 20, 20)
    share = (Erasing(area).corrupt(x, generator()) == 0).double().mean()
    stretched = area * 0.625
    assert 0.75 * stretched < share < 1.1 * stretched


# Blur


@SIZES
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_a_blurred_constant_is_the_constant(size, scale):
    x = torch.full((2, *size, 1), 0.7, dtype=torch.float64)
    assert_allclose(Blur(scale).corrupt(x, generator()), x)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
@SIZES
def test_a_blur_is_a_gaussian_filter_with_mirrored_borders(size, scale):
    x = images(3, *size)
    reach = max(1, math.ceil(3 * scale))
    expected = gaussian_filter(
        x.numpy(), (0, scale, scale, 0), mode="reflect", truncate=(reach + 0.1) / scale
    )
    assert_allclose(Blur(scale).corrupt(x, generator()), expected, rtol=1e-9)
    assert_allclose(expected.mean(axis=(1, 2)), x.mean(dim=(1, 2)), rtol=0.05)


def test_more_blur_leaves_less_detail():
    x = images()
    spread = [float(Blur(s).corrupt(x, generator()).var(dim=(1, 2)).mean()) for s in (0.5, 1, 3)]
    assert float(x.var(dim=(1, 2)).mean()) > spread[0] > spread[1] > spread[2]


# Downsampling


@SIZES
@pytest.mark.parametrize("scale", [1, 2, 3, 20])
def test_a_constant_of_less_resolution_is_the_constant(size, scale):
    x = torch.full((2, *size, 3), 0.7, dtype=torch.float64)
    assert_allclose(Downsampling(scale).corrupt(x, generator()), x)


def test_blocks_of_one_pixel_lose_nothing():
    x = images()
    assert_allclose(Downsampling(1).corrupt(x, generator()), x)


def test_detail_within_blocks_is_lost_and_the_mean_kept():
    x = images()
    board = torch.tensor([[0.2, -0.2], [-0.2, 0.2]]).double().repeat(4, 5)[None, :, :, None]
    coarse = Downsampling(2).corrupt(x, generator())
    assert_allclose(Downsampling(2).corrupt(x + board, generator()), coarse, atol=1e-12)
    assert_allclose(coarse.mean(dim=(1, 2)), x.mean(dim=(1, 2)), rtol=0.02)
    assert coarse.var(dim=(1, 2)).mean() < 0.6 * x.var(dim=(1, 2)).mean()


def test_a_block_as_large_as_the_image_leaves_its_mean():
    x = images(5, 6, 6)
    expected = x.mean(dim=(1, 2), keepdim=True).expand_as(x)
    assert_allclose(Downsampling(6).corrupt(x, generator()), expected)


# On the rows that a network sees


@ids
@pytest.mark.parametrize("flat", [True, False])
def test_standardised_rows_are_corrupted_in_the_units_of_their_pixels(corruption, flat):
    sample_shape = (8, 10, 2)
    n_units = 160 if flat else 2
    scaling = ColumnScaling(RNG.random(n_units), 1 + RNG.random(n_units))
    pixels = images(12)
    x = pixels.flatten(1) if flat else pixels
    bound = corruption.bind(scaling, sample_shape)
    standardised = (x - torch.from_numpy(scaling.mean)) / torch.from_numpy(scaling.scale)
    found = bound.corrupt(standardised, generator(3))
    assert found.shape == x.shape
    found = found * torch.from_numpy(scaling.scale) + torch.from_numpy(scaling.mean)
    expected = corruption.corrupt(pixels, generator(3))
    assert_allclose(found.reshape(pixels.shape), expected, rtol=1e-9, atol=1e-12)


@ids
def test_constant_pixels_stay_at_their_mean(corruption):
    scaling = ColumnScaling(np.full(80, 0.4), np.zeros(80))
    x = torch.zeros(3, 80, dtype=torch.float64)
    assert_array_equal(corruption.bind(scaling, (8, 10, 1)).corrupt(x, generator()), x)


@pytest.mark.parametrize("corruption", [GaussianNoise(0.3), MaskingNoise(0.3), SwapNoise(0.3)])
@pytest.mark.parametrize("sample_shape", [(4, 3, 2), (12, 2)])
def test_corruptions_of_cells_see_flat_rows_on_their_grid(corruption, sample_shape):
    scaling = ColumnScaling(np.zeros(24), np.ones(24))
    bound = corruption.bind(scaling, sample_shape)
    x = torch.from_numpy(RNG.normal(size=(40, 24)))
    found = bound.corrupt(x, generator())
    assert found.shape == x.shape
    assert_array_equal(
        found, corruption.corrupt(x.reshape(-1, *sample_shape), generator()).flatten(1)
    )
    ragged = x.reshape(-1, *sample_shape)
    assert_array_equal(bound.corrupt(ragged, generator()).flatten(1), found)
    assert corruption.bind(scaling, None) is corruption
    covariance = torch.eye(24, dtype=torch.float64)
    for one, other in zip(bound.moments(covariance), corruption.moments(covariance), strict=True):
        assert_array_equal(one, other)


@ids
@pytest.mark.parametrize("sample_shape", [None, (12, 2)])
def test_rows_that_are_no_images_are_refused(corruption, sample_shape):
    scaling = ColumnScaling(np.zeros(24), np.ones(24))
    with pytest.raises(ValueError, match=r"is one of images, but the rows are not; use a Convol"):
        corruption.bind(scaling, sample_shape)
