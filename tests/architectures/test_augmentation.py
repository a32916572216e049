"""Training images move at random, pixel for pixel where that can be, and targets alike."""

import random

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import Augmentation, ConvolutionalAutoencoder
from sklearn_ae.architectures import mean_over_moves
from sklearn_ae.data import Batch, ColumnScaling

RNG = np.random.default_rng(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=20, channels=2, height=6, width=5):
    return torch.from_numpy(RNG.random((n, channels, height, width)))


def moved(x, seed=0, **options):
    return Augmentation(**options).move(x, generator(seed))


def shifted(x, down, right):
    """Shift, the border repeated."""
    rows = np.clip(np.arange(x.shape[1]) - down, 0, x.shape[1] - 1)
    columns = np.clip(np.arange(x.shape[2]) - right, 0, x.shape[2] - 1)
    return x[:, rows][:, :, columns]


@pytest.mark.parametrize("options", [{"shift": 0.0}, {"shift": 0.0, "rotation": 0.0, "crop": 0.0}])
def test_nothing_to_do_is_the_identity(options):
    x = images()
    assert_allclose(moved(x, **options), x, atol=1e-12)


def test_shifts_are_by_whole_pixels_within_the_largest_and_go_every_way():
    x = images(60, height=10, width=5)
    found = []
    for before, after in zip(x.numpy(), moved(x, shift=0.2).numpy(), strict=True):
        fitting = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-1, 2)
            if np.allclose(shifted(before, down, right), after, atol=1e-6)
        ]
        assert len(fitting) == 1
        found += fitting
    downs, rights = zip(*found, strict=True)
    assert set(downs) == {-2, -1, 0, 1, 2}
    assert set(rights) == {-1, 0, 1}


def test_a_shift_below_half_a_pixel_does_not_move():
    x = images(height=8, width=8)
    assert_allclose(moved(x, shift=0.05), x, atol=1e-6)


@pytest.mark.parametrize(("flip", "axes"), [("horizontal", [3]), ("vertical", [2])])
def test_flips_mirror_half_of_the_images(flip, axes):
    x = images(200)
    after = moved(x, shift=0.0, flip=flip)
    same = torch.isclose(after, x).flatten(1).all(dim=1)
    mirrored = torch.isclose(after, x.flip(axes)).flatten(1).all(dim=1)
    assert (same ^ mirrored).all()
    assert mirrored.double().mean() == pytest.approx(0.5, abs=0.12)


def test_flips_of_both_axes_are_independent():
    x = images(200)
    after = moved(x, shift=0.0, flip="both")
    shares = [
        torch.isclose(after, x.flip(axes)).flatten(1).all(dim=1).double().mean()
        for axes in ([], [2], [3], [2, 3])
    ]
    assert sum(shares) == pytest.approx(1)
    assert_allclose(shares, 0.25, atol=0.1)


def test_all_flips_of_square_images_make_all_turns_too():
    x = images(400, height=4, width=4)
    after = moved(x, shift=0.0, flip="all")
    shares = [
        torch.isclose(after, torch.rot90(y, turn, (2, 3))).flatten(1).all(dim=1).double().mean()
        for y in (x, x.flip(3))
        for turn in range(4)
    ]
    assert sum(shares) == pytest.approx(1)
    assert_allclose(shares, 1 / 8, atol=0.06)


def test_all_flips_of_oblong_images_are_those_of_both_axes():
    x = images()
    assert_array_equal(moved(x, shift=0.0, flip="all"), moved(x, shift=0.0, flip="both"))


@pytest.mark.parametrize(
    ("flip", "square", "n_moves"),
    [
        (None, True, 0),
        ("horizontal", True, 1),
        ("vertical", True, 1),
        ("both", True, 2),
        ("all", True, 3),
        ("all", False, 2),
    ],
)
def test_mirrors_are_their_own_inverse_and_what_training_draws(flip, square, n_moves):
    x = images(60, height=4, width=4 if square else 5)
    moves = Augmentation(flip=flip).mirrors(square=square)
    assert len(moves) == n_moves
    for move in moves:
        assert not torch.equal(move(x), x)
        assert torch.equal(move(move(x)), x)
    each = []  # what each image becomes, every way that the moves go together
    mean_over_moves(moves, lambda t: each.append(t) or t, x)
    assert len(each) == 2**n_moves
    found = moved(x, shift=0.0, flip=flip)
    drawn = torch.stack([torch.isclose(y, found).flatten(1).all(dim=1) for y in each])
    assert (drawn.sum(dim=0) == 1).all()
    assert drawn.any(dim=1).all()


def test_a_mean_over_moves_goes_with_them():
    """It is the function itself where that goes with the moves, and goes with them always."""
    x = images(3, height=4, width=4)
    moves = Augmentation(flip="all").mirrors(square=True)
    assert_allclose(mean_over_moves(moves, torch.square, x), x.square())
    weight = images(1, height=4, width=4)

    def mean(t):
        return mean_over_moves(moves, lambda y: y * weight, t)

    assert not torch.isclose(mean(x), x * weight).all()
    assert_allclose(mean(torch.rot90(x, 1, (2, 3))), torch.rot90(mean(x), 1, (2, 3)))


def test_every_option_keeps_pixels_between_the_extremes():
    x = images()
    after = moved(x, shift=0.3, flip="both", rotation=180, crop=0.5)
    assert after.shape == x.shape
    assert x.min() - 1e-9 <= after.min()
    assert after.max() <= x.max() + 1e-9
    assert not torch.isclose(after, x).flatten(1).all(dim=1).any()


def test_constant_images_stay_constant():
    x = torch.full((5, 1, 4, 7), 0.3, dtype=torch.float64)
    assert_allclose(moved(x, shift=0.4, flip="both", rotation=90, crop=0.5), x)


def test_a_rotation_keeps_what_is_round():
    height, width = 21, 33
    y = torch.arange(height) - (height - 1) / 2
    x = torch.arange(width) - (width - 1) / 2
    disk = torch.exp(-(y[:, None] ** 2 + x**2) / 18).double()[None, None].repeat(20, 1, 1, 1)
    assert_allclose(moved(disk, shift=0.0, rotation=180), disk, atol=0.05)


def test_a_rotation_turns_by_its_angle_at_most():
    height = width = 41
    x = torch.zeros(200, 1, height, width, dtype=torch.float64)
    x[:, 0, 20, 34:37] = x[:, 0, 19, 34:37] = x[:, 0, 21, 34:37] = 1.0  # on the right
    after = moved(x, shift=0.0, rotation=30)[:, 0]
    row = torch.arange(41.0, dtype=torch.float64) - 20
    total = after.sum(dim=(1, 2))
    down = (after.sum(dim=2) * row).sum(dim=1) / total
    right = (after.sum(dim=1) * row).sum(dim=1) / total
    angles = torch.rad2deg(torch.atan2(down, right))
    assert_allclose(torch.hypot(down, right), 15, atol=0.4)
    assert angles.abs().max() < 31
    assert angles.min() < -20
    assert angles.max() > 20


def test_a_crop_enlarges_the_rest():
    ramp = torch.linspace(-1, 1, 40, dtype=torch.float64)[None, None, None].repeat(100, 1, 40, 1)
    after = moved(ramp, shift=0.0, crop=0.4)
    slope = (after[:, 0, 20, 30] - after[:, 0, 20, 10]) / (ramp[0, 0, 0, 30] - ramp[0, 0, 0, 10])
    assert slope.min() == pytest.approx(0.6, abs=0.05)
    assert slope.max() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (2, 3)])
def test_the_smallest_images_move(height, width):
    x = images(height=height, width=width)
    after = moved(x, shift=0.5, flip="both", rotation=45, crop=0.3)
    assert torch.isfinite(after).all()
    assert after.shape == x.shape


@pytest.mark.parametrize("flat", [True, False])
def test_the_target_moves_like_the_image_each_in_its_own_units(flat):
    n_units = 60 if flat else 2
    first = ColumnScaling(RNG.random(n_units), 1 + RNG.random(n_units))
    second = ColumnScaling(RNG.random(n_units), 1 + RNG.random(n_units))
    X = RNG.random((30, 60) if flat else (30, 6, 5, 2))
    x = torch.from_numpy((X - first.mean) / first.scale).float()
    target = torch.from_numpy((3 * X + 1 - second.mean) / second.scale).float()
    move = Augmentation(shift=0.2, flip="both", rotation=20, crop=0.2).bind(
        (first, second), (6, 5, 2)
    )
    batch = move(Batch(x, target=target, weight=torch.ones(30)), generator())
    assert batch.x.shape == batch.target.shape == x.shape
    assert_array_equal(batch.weight, 1)
    pixels = batch.x.numpy() * first.scale + first.mean
    assert not np.isclose(pixels, X, atol=1e-4).reshape(30, -1).all(axis=1).any()
    assert_allclose(3 * pixels + 1, batch.target.numpy() * second.scale + second.mean, atol=1e-4)
    alone = move(Batch(x), generator())
    assert alone.target is None
    assert_allclose(alone.x, batch.x, atol=1e-6)


def test_draws_come_from_the_generator_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    options = {"shift": 0.3, "flip": "both", "rotation": 20, "crop": 0.2}
    x = images()
    assert_array_equal(moved(x, 1, **options), moved(x, 1, **options))
    assert (moved(x, 1, **options) != moved(x, 2, **options)).any()
    fits = [
        ConvolutionalAutoencoder(
            2,
            channels=(4,),
            hidden_layer_sizes=(4,),
            augment=Augmentation(**options),
            max_iter=1,
            early_stopping=False,
            random_state=0,
        ).fit(x.numpy()[:, 0])
        for _ in range(2)
    ]
    assert_array_equal(*(fit.transform(x.numpy()[:, 0]) for fit in fits))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@pytest.mark.parametrize("ragged", [False, True])
def test_augmentation_changes_what_is_learned(ragged):
    X = RNG.random((30, 6, 5))
    X = list(X) if not ragged else [*X[:-1], X[-1][:4]]

    def codes(augment):
        autoencoder = ConvolutionalAutoencoder(
            2,
            channels=(4,),
            hidden_layer_sizes=(4,),
            augment=augment,
            max_iter=1,
            early_stopping=False,
            random_state=0,
        )
        return autoencoder.fit_transform(X)

    plain = codes(None)
    assert not np.allclose(codes(Augmentation(flip="both", rotation=45)), plain)
    assert_allclose(codes(Augmentation(shift=0.0)), plain, atol=1e-4)
