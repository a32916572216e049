"""Convolutional networks begin as their linear start, follow maps of the code, and keep sizes."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_ae import Augmentation, Convolutional
from sklearn_ae.architectures import Shapes
from sklearn_ae.data import Extent

GRID = (7, 5, 2)
OPTIONS = {
    "default": {},
    "one scale": {"channels": (4,)},
    "three scales": {"channels": (4, 6, 8)},
    "integer": {"channels": 4},
    "max": {"pooling": "max"},
    "average": {"pooling": "average"},
    "residual": {"residual_blocks": 2},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "even kernel": {"kernel_size": 4},
    "kernel of one": {"kernel_size": 1},
    "large kernel": {"kernel_size": 11},
    "large even kernel": {"kernel_size": 12, "pooling": "max"},
    "no dense layer": {"hidden_layer_sizes": ()},
    "two dense layers": {"hidden_layer_sizes": (9, 8)},
    "relu": {"activation": "relu"},
}
GRIDS = [(1, 1, 1), (1, 5, 1), (5, 1, 2), (2, 3, 1), (7, 5, 2), (9, 9, 3), (28, 28, 1)]
EVERY = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def shapes_of(sample_shape=GRID, k=3, ragged=False, n_conditions=0, n_parameters=1):
    p = sample_shape[2] if ragged else math.prod(sample_shape)
    return Shapes(
        n_inputs=p + n_conditions,
        n_codes=k,
        n_latents=k + n_conditions,
        n_outputs=p * n_parameters,
        n_rows=100,
        sample_shape=sample_shape,
        ragged=ragged,
    )


def build(shapes=None, linear_path=True, **options):
    shapes = shapes or shapes_of()
    defaults = {"channels": (4,), "hidden_layer_sizes": (8,)}
    coders = Convolutional(**{**defaults, **options}).build(shapes, linear_path)
    for i, coder in enumerate(coders):
        coder.reset(generator(i))
        coder.double().eval()
    return coders


def randomised(coder):
    """Weights nowhere zero, so that every path has a part."""
    with torch.no_grad():
        for i, parameter in enumerate(coder.parameters()):
            parameter += 0.1 * normal(*parameter.shape, seed=i)


@EVERY
@pytest.mark.parametrize("linear_path", [True, False])
def test_codes_and_images_have_their_shapes(options, linear_path):
    encoder, decoder = build(linear_path=linear_path, **options)
    x = normal(6, 70)
    code = encoder(x)
    assert code.shape == (6, 3)
    assert decoder(code).shape == (6, 70)
    assert torch.isfinite(decoder(code)).all()


@EVERY
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 5), (9, 12), (30, 17)])
def test_images_of_any_size_give_codes_and_come_back(options, size):
    encoder, decoder = build(shapes_of(ragged=True), linear_path=False, **options)
    code = encoder(normal(4, *size, 2), None, Extent(size))
    assert code.shape == (4, 3)
    restored = decoder(code, None, Extent(size))
    assert restored.shape == (4, *size, 2)
    assert torch.isfinite(restored).all()


@pytest.mark.parametrize("sample_shape", GRIDS)
@pytest.mark.parametrize("k", [1, 3])
def test_every_size_builds_by_default(sample_shape, k):
    encoder, decoder = build(shapes_of(sample_shape, k), channels=None)
    encoder.set_linear(normal(math.prod(sample_shape), k))
    decoder.set_linear(normal(k, math.prod(sample_shape)))
    assert decoder(encoder(normal(3, math.prod(sample_shape)))).shape == (
        3,
        math.prod(sample_shape),
    )


@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize("n_parameters", [1, 2])
@pytest.mark.parametrize("ragged", [False, True])
def test_conditions_are_channels_and_parameters_lie_side_by_side(
    n_conditions, n_parameters, ragged
):
    shapes = shapes_of(ragged=ragged, n_conditions=n_conditions, n_parameters=n_parameters)
    encoder, decoder = build(shapes, linear_path=not ragged)
    extent = Extent(GRID[:2]) if ragged else None
    x = normal(4, *GRID[:2], 2 + n_conditions) if ragged else normal(4, 70 + n_conditions)
    assert encoder(x, None, extent).shape == (4, 3)
    out = decoder(normal(4, 3 + n_conditions), None, extent)
    assert out.shape == ((4, *GRID[:2], 2 * n_parameters) if ragged else (4, 70 * n_parameters))


def test_a_condition_reaches_the_code():
    encoder, _ = build(shapes_of(n_conditions=1), linear_path=False)
    x = normal(4, 71)
    other = x.clone()
    other[:, -1] += 1
    assert (encoder(x) != encoder(other)).any()


def test_columns_are_pixels_row_by_row_with_channels_fastest():
    """An encoder that knows no linear map sees an image as it is on its sample_shape."""
    encoder, decoder = build(linear_path=False)
    ragged_encoder, ragged_decoder = build(shapes_of(ragged=True), linear_path=False)
    ragged_encoder.load_state_dict(encoder.state_dict())
    ragged_decoder.load_state_dict(decoder.state_dict())
    x = normal(4, *GRID)
    extent = Extent(GRID[:2])
    torch.testing.assert_close(encoder(x.flatten(1)), ragged_encoder(x, None, extent))
    z = normal(4, 3)
    torch.testing.assert_close(decoder(z), ragged_decoder(z, None, extent).flatten(1))


@EVERY
def test_set_linear_makes_both_networks_linear(options):
    encoder, decoder = build(**options)
    into, back, shift = normal(70, 3), normal(3, 70), normal(3)
    x, z = normal(6, 70), normal(6, 3)
    encoder.set_linear(into, shift)
    decoder.set_linear(back)
    torch.testing.assert_close(encoder(x), x @ into + shift, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(decoder(z), z @ back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sample_shape", [(6, 6, 1), (5, 3, 2), (1, 4, 1)])
def test_a_code_as_wide_as_the_image_begins_linear_too(sample_shape):
    p = math.prod(sample_shape)
    encoder, decoder = build(shapes_of(sample_shape, p))
    into = torch.linalg.qr(normal(p, p))[0]
    encoder.set_linear(into)
    decoder.set_linear(into.T.contiguous())
    x = normal(6, p)
    torch.testing.assert_close(encoder(x), x @ into)
    torch.testing.assert_close(decoder(encoder(x)), x)
    torch.testing.assert_close(encoder.averaged(x), encoder(x))


@pytest.mark.parametrize("sample_shape", [(6, 6, 1), (5, 5, 2), (5, 3, 2), (1, 4, 1)])
def test_a_code_as_wide_as_the_image_is_averaged_over_mirror_images(sample_shape):
    p = math.prod(sample_shape)
    augment = Augmentation(flip="all")
    encoder, decoder = build(shapes_of(sample_shape, p), augment=augment)
    randomised(encoder)
    turn, back = torch.linalg.qr(normal(p, p))[0], normal(p)
    encoder.transform_output(turn, back)
    decoder.transform_input(turn.T, back)

    def added(x):
        """What the network adds to the linear map, as images."""
        code = encoder.averaged(x.movedim(1, -1).flatten(1))
        rest = (code - encoder.linear(x.movedim(1, -1).flatten(1))) @ turn.T
        return rest.unflatten(1, sample_shape).movedim(-1, 1)

    x = normal(6, *sample_shape).movedim(-1, 1)
    assert added(x).abs().max() > 1e-3
    for move in augment.mirrors(square=sample_shape[0] == sample_shape[1]):
        torch.testing.assert_close(added(move(x)), move(added(x)))
    plain, _ = build(shapes_of(sample_shape, p))
    randomised(plain)
    rows = normal(6, p)
    assert torch.equal(plain.averaged(rows), plain(rows))


@pytest.mark.parametrize("linear_path", [True, False])
@EVERY
def test_a_map_and_its_inverse_leave_the_reconstruction_as_it_is(options, linear_path):
    encoder, decoder = build(linear_path=linear_path, **options)
    randomised(encoder)
    randomised(decoder)
    x, matrix, shift = normal(6, 70), normal(3, 3), normal(3)
    code, restored = encoder(x), decoder(encoder(x))
    encoder.transform_output(matrix, shift)
    decoder.transform_input(torch.linalg.inv(matrix), shift)
    torch.testing.assert_close(encoder(x), (code - shift) @ matrix)
    torch.testing.assert_close(decoder(encoder(x)), restored)


def test_a_narrow_code_leaves_the_linear_map_when_training_begins():
    _, decoder = build()
    drawn = decoder(normal(4, 3)) - decoder.linear(normal(4, 3))
    decoder.set_linear(normal(3, 70))
    start = decoder(normal(4, 3))
    decoder.release()
    released = decoder(normal(4, 3))
    assert not torch.isclose(released, start).all()
    torch.testing.assert_close(released, drawn)
    _, wide = build(shapes_of((2, 3, 1), 3))
    wide.set_linear(normal(3, 6))
    start = wide(normal(4, 3))
    wide.release()
    torch.testing.assert_close(wide(normal(4, 3)), start)


@EVERY
def test_every_weight_learns(options):
    encoder, decoder = build(linear_path=False, **options)
    encoder.train()
    decoder.train()
    decoder(encoder(normal(6, 70), generator()), generator()).square().sum().backward()
    for coder in (encoder, decoder):
        inner = coder.mlp.layers[:-1] if options.get("normalization") == "batch" else []
        idle = {id(layer.bias) for layer in inner}  # batch normalisation takes them away
        for name, parameter in coder.named_parameters():
            if id(parameter) in idle:
                assert parameter.grad is None, name
                continue
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


@EVERY
def test_weights_come_from_the_generator_alone(options):
    before = torch.get_rng_state()
    first, second = (build(**options) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)
        assert all(isinstance(p, nn.Parameter) for p in one.parameters())
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_and_noise_are_drawn_from_the_generator_in_training_alone():
    encoder, _ = build(linear_path=False, dropout=0.5, hidden_noise=0.3)
    x = normal(6, 70)
    assert torch.equal(encoder(x), encoder(x))
    assert torch.equal(encoder(x, generator(1)), encoder(x, generator(1)))
    assert not torch.equal(encoder(x, generator(1)), encoder(x, generator(2)))


def test_a_shifted_object_has_shifted_features():
    """Without dense layers and borders, convolutions commute with whole strides."""
    encoder, _ = build(shapes_of((16, 16, 1)), linear_path=False)
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    x[0, 0, 5:8, 5:8] = normal(3, 3)
    features = encoder.features(x, None)
    shifted = encoder.features(x.roll(2, dims=3), None)
    inner = slice(2, 6)
    torch.testing.assert_close(shifted[:, :, inner, 3:6], features[:, :, inner, 2:5])


@pytest.mark.parametrize("sample_shape", [None, (4, 2)])
def test_rows_that_are_not_images_are_refused(sample_shape):
    shapes = Shapes(8, 2, 2, 8, 100, sample_shape=sample_shape, ragged=False)
    with pytest.raises(ValueError, match="reads images, but the rows are not; pass X as images"):
        Convolutional().build(shapes, True)


def test_work_grows_with_the_network_and_the_image():
    small, large = Convolutional((4,)), Convolutional((32, 64))
    assert 0 < small.work(shapes_of()) < large.work(shapes_of())
    assert small.work(shapes_of()) < small.work(shapes_of((28, 28, 2)))
    assert small.work(shapes_of((6, 6, 1), 36)) > 0


def test_there_are_as_many_scales_as_bring_the_longer_side_to_eight_pixels():
    def n_channels(*size):
        return Convolutional()._channels((*size, 1))

    assert n_channels(4, 4) == n_channels(16, 16) == (16,)
    assert n_channels(28, 28) == (16, 32)
    assert n_channels(10, 64) == (16, 32, 64)
    assert n_channels(1000, 1000) == (16, 32, 64, 64)
    assert np.array_equal(Convolutional(5)._channels(GRID), [5])
