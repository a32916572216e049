"""Dense networks absorb affine maps, start linear, and draw from their generator alone."""

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.nn import functional as F

from sklearn_ae import Dense
from sklearn_ae.architectures import Coder, Shapes
from sklearn_ae.architectures._layers import ACTIVATIONS, MLP, HiddenLayers, Linear, dropout

N_FEATURES, N_COMPONENTS = 6, 3
PATHS = pytest.mark.parametrize(
    ("hidden", "linear_path"),
    [((), True), ((5,), True), ((5, 4), True), ((), False), ((5,), False)],
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shapes(n_codes: int = N_COMPONENTS, n_rows: int = 100) -> Shapes:
    return Shapes(N_FEATURES, n_codes, N_COMPONENTS, N_FEATURES, n_rows)


def normal(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=generator(seed))


def build(
    hidden: tuple[int, ...] | None = (5,),
    linear_path: bool = True,
    n_rows: int = 100,
    seed: int = 0,
    **parameters: object,
) -> tuple[Coder, Coder]:
    """Return an encoder and a decoder with random weights, in float64."""
    encoder, decoder = Dense(hidden, **parameters).build(shapes(n_rows=n_rows), linear_path)
    encoder.reset(generator(seed))
    decoder.reset(generator(seed + 1))
    return encoder.double(), decoder.double()


def perceptron(module: torch.nn.Module) -> MLP | None:
    """The multilayer perceptron of an encoder or decoder."""
    return next((part for part in module.modules() if isinstance(part, MLP)), None)


def widths(module: torch.nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in perceptron(module).layers]


@PATHS
def test_an_encoder_absorbs_an_affine_map_of_its_output(
    hidden: tuple[int, ...], linear_path: bool
) -> None:
    encoder, _ = build(hidden, linear_path)
    x, matrix, shift = normal(7, N_FEATURES), normal(N_COMPONENTS, N_COMPONENTS), normal(3)
    expected = (encoder(x) - shift) @ matrix
    encoder.transform_output(matrix, shift)
    torch.testing.assert_close(encoder(x), expected, rtol=1e-12, atol=1e-12)


@PATHS
def test_a_decoder_absorbs_an_affine_map_of_its_input(
    hidden: tuple[int, ...], linear_path: bool
) -> None:
    _, decoder = build(hidden, linear_path)
    z, matrix, shift = normal(7, N_COMPONENTS), normal(N_COMPONENTS, N_COMPONENTS), normal(3)
    expected = decoder(z @ matrix + shift)
    decoder.transform_input(matrix, shift)
    torch.testing.assert_close(decoder(z), expected, rtol=1e-12, atol=1e-12)


@PATHS
def test_a_map_and_its_inverse_leave_the_reconstruction_as_it_is(
    hidden: tuple[int, ...], linear_path: bool
) -> None:
    encoder, decoder = build(hidden, linear_path)
    x, matrix, shift = normal(7, N_FEATURES), normal(N_COMPONENTS, N_COMPONENTS), normal(3)
    code, expected = encoder(x), decoder(encoder(x))
    encoder.transform_output(matrix, shift)
    decoder.transform_input(torch.linalg.inv(matrix), shift)
    assert (encoder(x) - code).abs().max() > 0.1
    torch.testing.assert_close(decoder(encoder(x)), expected, rtol=1e-10, atol=1e-10)


def test_float32_weights_absorb_float64_maps() -> None:
    encoder, decoder = build()
    encoder, decoder = encoder.float(), decoder.float()
    x, matrix, shift = normal(7, N_FEATURES).float(), normal(3, 3), normal(3)
    expected = (encoder(x).double() - shift) @ matrix
    encoder.transform_output(matrix, shift)
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    torch.testing.assert_close(encoder(x).double(), expected, rtol=1e-5, atol=1e-5)
    z = normal(7, N_COMPONENTS)
    expected = decoder((z @ matrix + shift).float())
    decoder.transform_input(matrix, shift)
    torch.testing.assert_close(decoder(z.float()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_set_linear_makes_both_modules_linear(hidden: tuple[int, ...]) -> None:
    encoder, decoder = build(hidden)
    into, back = normal(N_FEATURES, N_COMPONENTS), normal(N_COMPONENTS, N_FEATURES)
    x, z = normal(7, N_FEATURES), normal(7, N_COMPONENTS)
    encoder.set_linear(into)
    decoder.set_linear(back)
    torch.testing.assert_close(encoder(x), x @ into, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(decoder(z), z @ back, rtol=1e-14, atol=1e-14)


def test_a_linear_start_can_learn_its_residual() -> None:
    for module, n_inputs in zip(build((5, 4)), (N_FEATURES, N_COMPONENTS), strict=True):
        module.set_linear(normal(n_inputs, N_FEATURES + N_COMPONENTS - n_inputs))
        module(normal(7, n_inputs)).square().sum().backward()
        *hidden, last = perceptron(module).layers
        assert last.weight.grad.abs().max() > 0
        assert all(layer.weight.abs().max() > 0 for layer in hidden)


def test_far_from_the_training_rows_the_linear_map_decides() -> None:
    for module, n_inputs in zip(build((5,)), (N_FEATURES, N_COMPONENTS), strict=True):
        x = normal(7, n_inputs)
        near, far = (module(x * far) - module.linear(x * far) for far in (10.0, 1e6))
        assert far.abs().max() < 10 * near.abs().max()


@pytest.mark.parametrize(
    ("sizes", "n_rows", "hidden"),
    [
        (None, 999, (128, 128)),
        (None, 1000, (256, 128)),
        ((7, 5), 500, (7, 5)),
        ([7, 5], 10, (7, 5)),
        (9, 10, (9,)),
        (np.int64(9), 10, (9,)),
    ],
)
def test_hidden_layers_follow_the_rule_and_are_mirrored(
    sizes: object, n_rows: int, hidden: tuple[int, ...]
) -> None:
    encoder, decoder = build(sizes, n_rows=n_rows)
    down = (N_FEATURES, *hidden, N_COMPONENTS)
    up = (N_COMPONENTS, *hidden[::-1], N_FEATURES)
    assert widths(encoder) == list(pairwise(down))
    assert widths(decoder) == list(pairwise(up))


def test_no_hidden_layer_leaves_the_linear_map_alone() -> None:
    for module in build(()):
        assert perceptron(module) is None
        assert [type(part) for part in module.children()] == [Linear]


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_without_a_linear_path_there_is_the_perceptron_alone(hidden: tuple[int, ...]) -> None:
    for module in build(hidden, linear_path=False):
        assert [type(part) for part in module.children()] == [MLP]
        assert len(perceptron(module).layers) == len(hidden) + 1


def test_the_encoder_is_as_wide_as_the_latent_asks_for() -> None:
    encoder, decoder = Dense((5,)).build(shapes(n_codes=2 * N_COMPONENTS), True)
    encoder.reset(generator())
    decoder.reset(generator())
    assert encoder(torch.ones(4, N_FEATURES)).shape == (4, 2 * N_COMPONENTS)
    assert decoder(torch.ones(4, N_COMPONENTS)).shape == (4, N_FEATURES)


def test_work_grows_with_the_layers_and_counts_both_halves() -> None:
    wide = Shapes(10, 2, 2, 10, 100)
    assert Dense(()).work(wide) == 2 * 10 * 2
    assert Dense((8,)).work(wide) == 2 * (10 * 8 + 8 * 2)
    assert Dense((8,)).work(Shapes(11, 4, 3, 20, 100)) == 11 * 8 + 8 * 4 + 3 * 8 + 8 * 20
    few, many = (Dense(None).work(wide._replace(n_rows=n)) for n in (999, 1000))
    assert many > few


def test_weights_are_drawn_from_the_given_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = build(seed=0), build(seed=0), build(seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    for one, same, different in zip(first, again, other, strict=True):
        assert all(map(torch.equal, one.parameters(), same.parameters()))
        drawn = [*perceptron(one).parameters(), *one.linear.parameters()]
        redrawn = [*perceptron(different).parameters(), *different.linear.parameters()]
        assert not any(map(torch.equal, drawn, redrawn))


def test_weights_are_uniform_within_one_over_the_root_of_the_fan_in() -> None:
    encoder, _ = build((400,))
    for layer in perceptron(encoder).layers:
        bound = layer.in_features**-0.5
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)


@pytest.mark.parametrize("hidden", [(5,), (5, 4)])
def test_dropout_draws_its_mask_from_the_generator(hidden: tuple[int, ...]) -> None:
    encoder, _ = build(hidden, dropout=0.5)
    x = normal(20, N_FEATURES)
    before = torch.get_rng_state()
    assert torch.equal(encoder(x, generator(0)), encoder(x, generator(0)))
    assert not torch.equal(encoder(x, generator(0)), encoder(x, generator(1)))
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_generator_nothing_is_dropped() -> None:
    with_dropout, _ = build(dropout=0.5)
    without, _ = build(dropout=0.0)
    x = normal(7, N_FEATURES)
    assert torch.equal(with_dropout(x), without(x))
    assert torch.equal(without(x, generator()), without(x))


def test_dropout_zeroes_its_share_and_scales_up_the_rest() -> None:
    x = torch.full((200, 50), 3.0)
    dropped = dropout(x, 0.25, generator())
    assert torch.equal(dropped.unique(), torch.tensor([0.0, 4.0]))
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("identity", lambda x: x),
        ("logistic", torch.sigmoid),
        ("tanh", torch.tanh),
        ("relu", F.relu),
        ("elu", F.elu),
        ("gelu", F.gelu),
        ("silu", F.silu),
    ],
)
def test_activations_by_name(name: str, function: object) -> None:
    network = MLP((4, 5, 2), HiddenLayers(name))
    network.reset(generator())
    x = normal(6, 4).float()
    first, last = network.layers
    torch.testing.assert_close(network(x), last(function(first(x))))
    assert name in ACTIVATIONS


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (1.5,), ("8",)])
def test_layers_without_a_unit_are_refused(sizes: tuple) -> None:
    message = rf"hidden_layer_sizes={re.escape(repr(sizes))} must hold integers"
    with pytest.raises(ValueError, match=message):
        build(sizes)


def test_clones_have_the_same_parameters() -> None:
    dense = Dense((3,), activation="tanh", dropout=0.2)
    assert clone(dense).get_params() == dense.get_params()
