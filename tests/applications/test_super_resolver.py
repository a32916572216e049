"""Images of higher resolution, next to bicubic interpolation."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_images
from torch.nn import functional as F

from sklearn_ae import SuperResolver
from sklearn_ae.architectures import bicubic_kernel
from sklearn_ae.architectures._sub_pixel import FlipsAndTurns
from sklearn_ae.data import Batch
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import BicubicStart
from sklearn_ae.training import Fitter


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A photograph, (427, 640, 3), uint8."""
    return load_sample_images().images[0]


def coloured(first: int, last: int) -> np.ndarray:
    """Digits of 8 x 8 pixels in three channels, uint8."""
    digits = 15 * load_digits().images[first:last]
    return np.stack([digits, digits.transpose(0, 2, 1), 255 - digits], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return coloured(0, 120)


@pytest.fixture(scope="module")
def fitted(patches) -> SuperResolver:
    resolver = SuperResolver(
        channels=8, depth=3, batch_size=16, learning_rate_init=0.01, max_iter=4, random_state=0
    ).fit(patches)
    assert resolver.net_.module_.decoder.layers[-1].any()  # the net is kept
    return resolver


def bicubic(images: np.ndarray, scale: int = 2) -> np.ndarray:
    planes = torch.from_numpy(images).movedim(-1, 1)
    return F.interpolate(planes, scale_factor=scale, mode="bicubic").movedim(1, -1).numpy()


def noise(n: int = 30, size: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, size, size, 1))


def psnr(found: np.ndarray, images: np.ndarray) -> float:
    error = np.square(found.astype(float) - images.astype(float)).mean()
    return 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_without_a_filter_and_epochs_it_is_bicubic(scale):
    """What cannot be predicted leaves the filter at zero."""
    low = noise()
    high = bicubic(low, scale)
    rng = np.random.default_rng(1)
    high += 0.1 * rng.normal(size=high.shape)
    resolver = SuperResolver(scale, max_iter=0, random_state=0).fit(low, high)
    assert not resolver.net_.module_.decoder.filter.any()
    other = np.random.default_rng(2).normal(size=(3, 9, 4, 1))
    np.testing.assert_allclose(resolver.predict(other), bicubic(other, scale), atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_bicubic_kernel_sums_to_one(scale):
    np.testing.assert_allclose(bicubic_kernel(scale).sum(axis=(1, 2)), 1)


def test_the_start_finds_a_linear_filter():
    """Where the truth is bicubic plus a filter, the start is exact."""
    low = noise(40)
    around = np.pad(low[..., 0], ((0, 0), (1, 1), (1, 1)), mode="edge")
    edges = 4 * around[:, 1:-1, 1:-1] - around[:, :-2, 1:-1] - around[:, 2:, 1:-1]
    edges = edges - around[:, 1:-1, :-2] - around[:, 1:-1, 2:]
    high = bicubic(low) + 0.1 * edges.repeat(2, axis=1).repeat(2, axis=2)[..., None]
    resolver = SuperResolver(max_iter=0, random_state=0).fit(low, high)
    np.testing.assert_allclose(resolver.predict(low), high, atol=1e-4)
    assert resolver.score(low, high) > 80


def test_the_filter_does_not_depend_on_mirrors_and_turns():
    start = BicubicStart(2)
    inputs = torch.rand(25, 25, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cross = torch.rand(25, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    inputs, cross = start._symmetric(inputs, cross)
    turned = np.rot90(np.arange(25).reshape(5, 5)).ravel().copy()
    squares = np.rot90(np.arange(4).reshape(2, 2)).ravel().copy()
    torch.testing.assert_close(inputs[turned][:, turned], inputs)
    torch.testing.assert_close(cross[turned][:, squares], cross)


def test_held_out_images_are_never_below_bicubic(fitted):
    held_out = coloured(200, 400)
    low = fitted.degrade(held_out)
    plain = np.clip(np.rint(bicubic(low.astype(float))), 0, 255)
    assert fitted.score(low, held_out) >= psnr(plain, held_out)
    history = fitted.history_["valid_loss"]
    assert fitted.best_validation_loss_ == history.min() <= history[0]
    assert fitted.n_iter_ == len(history) - 1 == 4


def test_noise_leaves_the_start():
    """Where there is nothing to learn, the net is not kept."""
    low = noise(60)
    high = bicubic(low) + 0.1 * np.random.default_rng(1).normal(size=(60, 12, 12, 1))
    resolver = SuperResolver(max_iter=2, channels=8, depth=2, random_state=0).fit(low, high)
    assert not resolver.net_.module_.decoder.layers[-1].any()
    np.testing.assert_allclose(resolver.predict(low), bicubic(low), atol=1e-5)


def test_brightness_and_contrast_pass_through(fitted):
    image = np.random.default_rng(0).uniform(size=(2, 7, 5, 3))
    expected = 300 * fitted.predict(image) + 20
    np.testing.assert_allclose(fitted.predict(300 * image + 20), expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64, bool])
def test_types_come_back(fitted, patches, dtype):
    low = fitted.degrade(patches[:3])
    images = low > 128 if dtype is bool else low.astype(dtype)
    found = fitted.predict(images)
    assert found.dtype == dtype
    assert found.shape == (3, 8, 8, 3)
    if dtype is not bool:
        expected = fitted.predict(low.astype(float))
        if np.dtype(dtype).kind in "iu":
            expected = np.clip(expected, np.iinfo(dtype).min, np.iinfo(dtype).max)
        np.testing.assert_allclose(found, expected, atol=0.51, rtol=1e-5)


def test_containers_come_back(fitted, patches):
    low = fitted.degrade(patches[:4])
    array = fitted.predict(low)
    tensor = fitted.predict(torch.from_numpy(low).movedim(-1, 1))
    assert torch.is_tensor(tensor)
    assert tensor.shape == (4, 3, 8, 8)
    assert (tensor.movedim(1, -1).numpy() == array).all()
    listed = fitted.predict(list(low))
    assert isinstance(listed, list)
    assert all((a == b).all() for a, b in zip(listed, array, strict=True))


def test_channels_may_be_first(fitted, patches):
    first = np.ascontiguousarray(patches[:4].transpose(0, 3, 1, 2))
    low = fitted.degrade(first)
    assert low.shape == (4, 3, 4, 4)  # too small for its shape to say so, but for the fit
    assert (low == fitted.degrade(patches[:4]).transpose(0, 3, 1, 2)).all()
    high = fitted.predict(low)
    assert (high == fitted.predict(low.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)).all()
    listed = fitted.predict([image[:, 1:] for image in low])
    assert [image.shape for image in listed] == [(3, 6, 8)] * 4
    assert fitted.score(low, first) == fitted.score(low.transpose(0, 2, 3, 1), patches[:4])
    pairs = [SuperResolver(max_iter=0).fit(low, y) for y in (first, patches[:4])]
    assert (pairs[0].predict(low) == pairs[1].predict(low)).all()


def test_sizes_may_differ_and_be_one_pixel(fitted):
    rng = np.random.default_rng(0)
    images = [rng.uniform(size=(h, w, 3)) for h, w in [(1, 1), (9, 4), (1, 7), (9, 4), (30, 41)]]
    found = fitted.predict(images)
    assert [f.shape for f in found] == [(2 * i.shape[0], 2 * i.shape[1], 3) for i in images]
    assert all(np.isfinite(f).all() for f in found)
    np.testing.assert_allclose(found[0], np.broadcast_to(images[0], (2, 2, 3)), atol=1e-6)
    for image, one in zip(images, found, strict=True):
        np.testing.assert_allclose(fitted.predict(image[None])[0], one, atol=1e-8)


def test_large_images_are_enlarged_part_by_part(fitted, photo, monkeypatch):
    image = photo[None, :61, :83].astype(float)
    whole = fitted.predict(image)
    monkeypatch.setattr("sklearn_ae.applications._super_resolver._BLOCK_SIDE", 19)
    np.testing.assert_allclose(fitted.predict(image), whole, atol=1e-8)


def test_photographs_of_different_sizes_are_cut_into_tiles(photo):
    images = [photo[:101, :150], photo[200:280, :131], photo[300:302, :2]]
    resolver = SuperResolver(max_iter=1, channels=4, depth=2, random_state=0).fit(images)
    low = resolver.degrade(images)
    assert [image.shape for image in low] == [(50, 75, 3), (40, 65, 3), (1, 1, 3)]
    enlarged = resolver.predict(low)
    assert [image.shape for image in enlarged] == [(100, 150, 3), (80, 130, 3), (2, 2, 3)]
    cut = [image[: 2 * s.shape[0], : 2 * s.shape[1]] for image, s in zip(images, low, strict=True)]
    assert resolver.score(low, cut) > 20


def test_whole_images_are_held_out(photo):
    low = photo[None, :40, :40].repeat(6, axis=0)
    high = photo[None, :80, :80].repeat(6, axis=0)
    resolver = SuperResolver()
    rows, groups = resolver._rows(*resolver._pairs(low, high))
    assert rows.n_rows == 24
    assert (groups == np.repeat(np.arange(6), 4)).all()
    config, seeds = resolver._config(rows, "cpu"), Seeds(0)
    fitter = Fitter(None, config, seeds, groups=groups)
    for train, valid in fitter.folds(rows, 5):
        assert not set(groups[train.index]) & set(groups[valid.index])
        assert train.n_rows + valid.n_rows == 24


@pytest.mark.parametrize("degradation", ["bicubic", "area"])
def test_degradation(degradation):
    images = load_digits().images[:30]
    resolver = SuperResolver(max_iter=0, degradation=degradation, random_state=0)
    low = resolver.degrade(images)
    planes = torch.from_numpy(images)[:, None]
    if degradation == "area":
        expected = images.reshape(30, 4, 2, 4, 2).mean(axis=(2, 4))
    else:
        expected = F.interpolate(planes, (4, 4), mode="bicubic", antialias=True)[:, 0].numpy()
    np.testing.assert_allclose(low, expected)
    alone, paired = clone(resolver).fit(images), clone(resolver).fit(low, images)
    assert (alone.predict(low) == paired.predict(low)).all()


def test_score_is_the_signal_to_noise_ratio(fitted, patches):
    low = fitted.degrade(patches)
    found = fitted.predict(low)
    assert fitted.score(low, patches) == pytest.approx(psnr(found, patches))
    floats = fitted.predict(low / 4.0), patches / 4.0
    error = np.square(floats[0] - floats[1]).mean()
    expected = 10 * np.log10(np.ptp(floats[1]) ** 2 / error)
    assert fitted.score(low / 4.0, floats[1]) == pytest.approx(expected)
    constant = np.full((3, 8, 8, 3), 9, np.uint8)
    assert fitted.score(constant[:, :4, :4], constant) == np.inf


def test_constant_images():
    constant = np.full((25, 8, 8), 7.0)
    resolver = SuperResolver(max_iter=1, random_state=0).fit(constant)
    np.testing.assert_allclose(resolver.predict(constant), np.full((25, 16, 16), 7.0))


def test_equal_seeds_give_equal_bits(fitted, patches):
    again = clone(fitted).fit(patches)
    low = fitted.degrade(patches)
    assert (again.predict(low / 2.0) == fitted.predict(low / 2.0)).all()
    columns = ["train_loss", "valid_loss"]
    assert again.history_[columns].equals(fitted.history_[columns])
    other = clone(fitted).set_params(random_state=1).fit(patches)
    assert (other.predict(low / 2.0) != fitted.predict(low / 2.0)).any()


def test_global_generators_are_left_alone(fitted, patches):
    before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()  # noqa: NPY002
    clone(fitted).set_params(random_state=None).fit(patches).predict(patches)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert random.getstate() == before[1]
    assert (torch.get_rng_state() == before[2]).all()


def test_pickles_are_small_and_equal(fitted, patches):
    low = fitted.degrade(patches) / 255
    state = pickle.dumps(fitted)
    weights = sum(p.numel() for p in fitted.net_.module_.parameters())
    assert len(state) < 1.5 * 4 * weights + 20_000
    loaded = pickle.loads(state)
    for images in (low, low.astype(np.float32)):
        assert (loaded.predict(images) == fitted.predict(images)).all()
    assert loaded.history_.equals(fitted.history_)
    assert loaded.set_params(scale=3).predict(low).shape == (120, 8, 8, 3)


@pytest.mark.parametrize(("size", "moved"), [((4, 4), 8), ((3, 5), 4)])
def test_augmentation_moves_images_and_targets_alike(size, moved):
    x = torch.rand(400, *size, 2, generator=torch.Generator().manual_seed(0))[:1].repeat(
        400, 1, 1, 1
    )
    large = x.repeat_interleave(2, 1).repeat_interleave(2, 2)
    target = F.pixel_unshuffle(large.movedim(-1, 1), 2).movedim(1, -1)
    target = target * torch.tensor([1.0, 2, 3, 4]).repeat(2)  # tells the four pixels apart
    batch = FlipsAndTurns(2)(Batch(x, target=target), torch.Generator().manual_seed(0))
    assert len(torch.unique(batch.x, dim=0)) == moved
    assert len(torch.unique(batch.target, dim=0)) == moved
    squares = batch.target.unflatten(-1, (2, 4))
    torch.testing.assert_close(squares.sum(-1), 10 * batch.x)
    image = F.pixel_shuffle(target[:1].movedim(-1, 1), 2)
    images = F.pixel_shuffle(batch.target.movedim(-1, 1), 2)
    every = [torch.rot90(f, k, (2, 3)) for k in range(4) for f in (image, image.flip(3))]
    assert all(any(i.equal(e[0]) for e in every) for i in images)


MOVES = [(turns, step) for turns in range(4) for step in (1, -1)]


def moved(images: np.ndarray, turns: int, step: int) -> np.ndarray:
    return np.rot90(images, turns, (1, 2))[:, :, ::step]


def moved_back(images: np.ndarray, turns: int, step: int) -> np.ndarray:
    return np.rot90(images[:, :, ::step], -turns, (1, 2))


def one_by_one(resolver: SuperResolver, images: np.ndarray) -> np.ndarray:
    """Enlarge images once, not averaged over what they are moved to."""
    single = pickle.loads(pickle.dumps(resolver))
    single._model.factory.architecture.augment = False
    return single.predict(images)


def test_mirror_images_and_turns_are_averaged(fitted):
    images = np.random.default_rng(0).uniform(size=(2, 5, 7, 3))
    found = fitted.predict(images)
    single = [moved_back(one_by_one(fitted, moved(images, *move)), *move) for move in MOVES]
    assert np.std(single, axis=0).max() > 1e-4
    np.testing.assert_allclose(found, np.mean(single, axis=0), atol=1e-6)
    for move in MOVES:
        again = moved_back(fitted.predict(moved(images, *move)), *move)
        np.testing.assert_allclose(again, found, atol=1e-6)


@pytest.mark.parametrize(("height", "augment"), [(6, True), (8, False)])
def test_only_moves_of_training_images_are_averaged(patches, height, augment):
    """Oblong training images are mirrored only, and unmoved ones not at all."""
    resolver = SuperResolver(
        channels=4, depth=2, learning_rate_init=0.01, max_iter=4, augment=augment, random_state=0
    ).fit(patches[:, :height])
    assert resolver.net_.module_.decoder.layers[-1].any()
    image = np.random.default_rng(0).uniform(size=(1, 6, 6, 3))
    found = resolver.predict(image)
    mirrored, turned = (
        moved_back(resolver.predict(moved(image, *move)), *move) for move in [(0, -1), (1, 1)]
    )
    assert np.allclose(mirrored, found, atol=1e-6) == augment
    assert np.abs(turned - found).max() > 1e-4


IMAGES = np.random.default_rng(0).uniform(size=(4, 8, 8, 3))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((5, 64)), None, r"X holds no images, but has shape \(5, 64\)"),
        ("picture.png", None, "X is a str, .picture.png., and no rows; read what it names"),
        ([], None, "X (holds no images|is empty)"),
        (IMAGES, np.arange(4), r"y holds no images, but has shape \(4,\)"),
        (IMAGES, IMAGES, r"size \(8, 8\), but of y \(8, 8\), which is not scale=2 times"),
        (IMAGES[:3, ::2, ::2], IMAGES, "X holds 3 images, but y 4"),
        (IMAGES[:, ::2, ::2, :1], IMAGES, "X holds images of 1 channels, but y of 3"),
        (IMAGES[:, :1], None, r"Image 0 of X has size \(1, 8\), less than scale=2"),
        (np.where(IMAGES > 0.9, np.nan, IMAGES), None, "Input X contains NaN"),
    ],
)
def test_errors_say_what_to_do(fitted, X, y, message):
    resolver = pickle.loads(pickle.dumps(fitted))
    before = resolver.predict(IMAGES)
    with pytest.raises(ValueError, match=message):
        resolver.fit(X, y)
    assert (resolver.predict(IMAGES) == before).all()
    unfitted = SuperResolver()
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X, y)
    assert not hasattr(unfitted, "net_")


def test_other_channels_than_in_fit(fitted):
    with pytest.raises(ValueError, match="X holds images of 1 channels, but 3 in fit"):
        fitted.predict(IMAGES[..., 0])


def test_parameters_are_checked():
    for name, value in [("scale", 1), ("degradation", "blur"), ("depth", 1), ("max_iter", -1)]:
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            SuperResolver(**{name: value}).fit(IMAGES)
    with pytest.raises(ValueError, match="device='tpu' is not a device"):
        SuperResolver(device="tpu").fit(IMAGES)
