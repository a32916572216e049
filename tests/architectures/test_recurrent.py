"""Recurrent networks begin as their linear start, follow maps of the code, and ignore padding."""

import pytest
import torch

from sklearn_ae import Recurrent
from sklearn_ae.architectures import Shapes
from sklearn_ae.data import Extent

GRID = (6, 2)
OPTIONS = {
    "gru": {},
    "lstm": {"cell": "lstm"},
    "two layers": {"n_layers": 2},
    "three layers of lstm": {"n_layers": 3, "cell": "lstm"},
    "one direction": {"bidirectional": False},
    "recurrent decoder": {"recurrent_decoder": True},
    "recurrent decoder of lstm": {"recurrent_decoder": True, "cell": "lstm", "n_layers": 2},
    "tanh": {"activation": "tanh"},
}
EVERY = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def shapes_of(ragged=False, k=3, n_conditions=0, n_parameters=1, sample_shape=GRID):
    p = sample_shape[1] if ragged else sample_shape[0] * sample_shape[1]
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
    coders = Recurrent(**{"hidden_size": 4, **options}).build(shapes, linear_path)
    for i, coder in enumerate(coders):
        coder.reset(generator(i))
        coder.double().eval()
    return coders


def randomised(coder):
    with torch.no_grad():
        for i, parameter in enumerate(coder.parameters()):
            parameter += 0.1 * normal(*parameter.shape, seed=i)


@EVERY
@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize("n_parameters", [1, 2])
@pytest.mark.parametrize("ragged", [False, True])
def test_codes_and_sequences_have_their_shapes(options, n_conditions, n_parameters, ragged):
    shapes = shapes_of(ragged, n_conditions=n_conditions, n_parameters=n_parameters)
    encoder, decoder = build(shapes, linear_path=not ragged, **options)
    extent = Extent((9,), torch.tensor([9, 1, 4, 9])) if ragged else None
    x = normal(4, 9, 2 + n_conditions) if ragged else normal(4, 12 + n_conditions)
    assert encoder(x, None, extent).shape == (4, 3)
    out = decoder(normal(4, 3 + n_conditions), None, extent)
    assert out.shape == ((4, 9, 2 * n_parameters) if ragged else (4, 12 * n_parameters))
    assert torch.isfinite(out).all()


@EVERY
def test_padding_has_no_part_in_codes_and_sequences(options):
    encoder, decoder = build(shapes_of(ragged=True), linear_path=False, **options)
    lengths = [5, 1, 8, 3]
    sequences = [normal(n, 2, seed=n) for n in lengths]
    x = torch.full((4, 11, 2), torch.nan, dtype=torch.float64)
    for row, sequence in zip(x, sequences, strict=True):
        row[: len(sequence)] = sequence
    together = Extent((11,), torch.tensor(lengths))
    codes = encoder(x, None, together)
    alone = [encoder(s[None], None, Extent((len(s),))) for s in sequences]
    torch.testing.assert_close(codes, torch.cat(alone))
    restored = decoder(codes, None, together)
    for i, n in enumerate(lengths):
        single = decoder(codes[i : i + 1], None, Extent((n,), torch.tensor([n])))
        torch.testing.assert_close(restored[i, :n], single[0])


@EVERY
def test_no_gradient_comes_from_padding(options):
    encoder, decoder = build(shapes_of(ragged=True), linear_path=False, **options)
    x = normal(3, 7, 2)
    x[0, 4:] = x[1, 1:] = torch.nan
    x[2, 3, 0] = torch.nan
    extent = Extent((7,), torch.tensor([4, 1, 7]))
    decoder(encoder(x, None, extent), None, extent)[~torch.isnan(x)].square().sum().backward()
    for coder in (encoder, decoder):
        for name, parameter in coder.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


@EVERY
def test_order_matters(options):
    encoder, _ = build(linear_path=False, **options)
    x = normal(4, 6, 2)
    assert not torch.isclose(encoder(x.flatten(1)), encoder(x.flip(1).flatten(1))).any()


def test_a_missing_value_differs_from_a_zero_and_its_place_counts():
    encoder, _ = build(shapes_of(ragged=True), linear_path=False)
    x = normal(1, 6, 2)
    missing = x.repeat(3, 1, 1)
    missing[0, 2, 0] = 0.0
    missing[1, 2, 0] = torch.nan
    missing[2, 3, 0] = torch.nan
    codes = encoder(missing, None, Extent((6,)))
    for i, j in ((0, 1), (1, 2)):
        assert not torch.isclose(codes[i], codes[j]).any()


def test_a_sequence_without_a_value_has_a_finite_code():
    encoder, _ = build(shapes_of(ragged=True), linear_path=False)
    x = torch.full((1, 4, 2), torch.nan, dtype=torch.float64)
    assert torch.isfinite(encoder(x, None, Extent((4,)))).all()


@EVERY
def test_set_linear_makes_both_networks_linear(options):
    encoder, decoder = build(**options)
    into, back, shift = normal(12, 3), normal(3, 12), normal(3)
    encoder.set_linear(into, shift)
    decoder.set_linear(back)
    x, z = normal(5, 12), normal(5, 3)
    torch.testing.assert_close(encoder(x), x @ into + shift, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(decoder(z), z @ back, rtol=1e-12, atol=1e-12)


@EVERY
@pytest.mark.parametrize("linear_path", [True, False])
def test_a_map_and_its_inverse_leave_the_reconstruction_as_it_is(options, linear_path):
    encoder, decoder = build(linear_path=linear_path, **options)
    randomised(encoder)
    randomised(decoder)
    x, matrix, shift = normal(5, 12), normal(3, 3), normal(3)
    code, restored = encoder(x), decoder(encoder(x))
    encoder.transform_output(matrix, shift)
    decoder.transform_input(torch.linalg.inv(matrix), shift)
    torch.testing.assert_close(encoder(x), (code - shift) @ matrix)
    torch.testing.assert_close(decoder(encoder(x)), restored)


def test_a_sequence_begins_as_it_did_whatever_follows_it():
    """One direction reads from the left: later steps do not reach earlier states."""
    encoder, _ = build(linear_path=False, bidirectional=False)
    inputs = normal(1, 6, 4)
    later = inputs.clone()
    later[:, 4:] += 1
    states, others = encoder.onward(inputs), encoder.onward(later)
    torch.testing.assert_close(states[:, :4], others[:, :4])
    assert not torch.isclose(states[:, 4:], others[:, 4:]).any()


def test_the_shape_in_time_stretches_with_the_length():
    _, decoder = build(shapes_of(ragged=True), linear_path=False)
    decoder.mlp.last.zero()
    z = normal(1, 3)
    short, long = (decoder(z, None, Extent((n,), torch.tensor([n])))[0].detach() for n in (11, 33))
    torch.testing.assert_close(long[1::3], short)


@EVERY
def test_weights_come_from_the_generator_alone(options):
    before = torch.get_rng_state()
    first, second = (build(**options) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_and_noise_are_drawn_from_the_generator_in_training_alone():
    encoder, _ = build(linear_path=False, n_layers=2, dropout=0.5, hidden_noise=0.3)
    x = normal(5, 12)
    assert torch.equal(encoder(x), encoder(x))
    assert torch.equal(encoder(x, generator(1)), encoder(x, generator(1)))
    assert not torch.equal(encoder(x, generator(1)), encoder(x, generator(2)))


@pytest.mark.parametrize("sample_shape", [None, (2, 2, 1)])
def test_rows_that_are_not_sequences_are_refused(sample_shape):
    shapes = Shapes(4, 2, 2, 4, 100, sample_shape=sample_shape, ragged=False)
    with pytest.raises(ValueError, match="reads sequences, but the rows are not; pass X as seq"):
        Recurrent().build(shapes, True)


def test_work_grows_with_every_part():
    least = Recurrent(hidden_size=4, bidirectional=False).work(shapes_of())
    for options in (
        {"hidden_size": 8},
        {"n_layers": 2},
        {"cell": "lstm"},
        {"bidirectional": True},
        {"recurrent_decoder": True},
    ):
        network = Recurrent(**{"hidden_size": 4, "bidirectional": False, **options})
        assert network.work(shapes_of()) > least
