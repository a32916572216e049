"""Recurrent networks for sequences, of one length or of many."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import NamedTuple

import torch
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor, nn

from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.architectures._dense import Dense
from sklearn_ae.architectures._layers import (
    ACTIVATIONS,
    MLP,
    HiddenLayers,
    Linear,
    dropout,
    hidden_noise,
    start_as,
)
from sklearn_ae.data import Extent, Sequences

# Cosines over the length of a sequence whose coefficients are linear in the code.
_SMOOTH = 6
# Frequencies, in half periods over the length, of the position that a decoder reads.
_FREQUENCIES = (1, 2, 4)
_DECODER_WIDTH = 128


class Layers(NamedTuple):
    """Recurrent layers of one kind.

    Parameters
    ----------
    cell : {"gru", "lstm"}
        The cell.
    hidden_size : int
        Width of the state.
    n_layers : int
        Number of layers.
    dropout : float
        Share of the units dropped between layers in training.
    noise : float
        Standard deviation of the noise between layers in training.
    """

    cell: str
    hidden_size: int
    n_layers: int
    dropout: float = 0.0
    noise: float = 0.0

    def work(self, n_in: int) -> int:
        """Return the multiplications of one step."""
        gates = 3 if self.cell == "gru" else 4
        h = self.hidden_size
        return gates * h * (n_in + h + 2 * h * (self.n_layers - 1))


class _Unset:
    """Recurrent layers that leave torch's global generator alone."""

    def reset_parameters(self) -> None:
        """Leave the weights unset; `reset` draws them."""


class _GRU(_Unset, nn.GRU):
    """Gated recurrent units."""


class _LSTM(_Unset, nn.LSTM):
    """Long short-term memory."""


_CELLS: dict[str, type[_GRU] | type[_LSTM]] = {"gru": _GRU, "lstm": _LSTM}


class _Recurrence(nn.Module):
    """Layers that run through sequences in one direction."""

    def __init__(self, n_in: int, layers: Layers) -> None:
        super().__init__()
        self.settings = layers
        h = layers.hidden_size
        self.layers = nn.ModuleList(
            _CELLS[layers.cell](h if i else n_in, h, batch_first=True)
            for i in range(layers.n_layers)
        )

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the states of the last layer, of shape (n, n_steps, hidden_size)."""
        for i, layer in enumerate(self.layers):
            if i:
                x = dropout(x, self.settings.dropout, generator)
                x = hidden_noise(x, self.settings.noise, generator)
            x, _ = layer(x)
        return x

    def reset(self, generator: Generator) -> None:
        """Draw weights uniformly in ± 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.settings.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)


class _SequenceEncoder(Coder):
    """y = x A + a + f(x): states at the last step and their mean; A for one length only.

    The second direction runs through each sequence from its own last step. Steps after the
    last one that was observed have no part in the code; missing ones before it are 0 with
    an indicator beside them.
    """

    def __init__(
        self, shapes: Shapes, layers: Layers, bidirectional: bool, linear_path: bool
    ) -> None:
        super().__init__()
        self.sample_shape = _sample_shape(shapes)
        self.n_cells = math.prod(self.sample_shape)
        features = self.sample_shape[1] if shapes.ragged else self.n_cells
        n_given = shapes.n_inputs - features
        n_in = 2 * self.sample_shape[1] + n_given
        self.linear = Linear(shapes.n_inputs, shapes.n_codes) if linear_path else None
        self.onward = _Recurrence(n_in, layers)
        self.backward = _Recurrence(n_in, layers) if bidirectional else None
        self.last = Linear(layers.hidden_size * (4 if bidirectional else 2), shapes.n_codes)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        steps, given = self._steps(x)
        observed = ~torch.isnan(steps)
        position = torch.arange(1, steps.shape[1] + 1, device=x.device)
        lengths = (observed.any(dim=2) * position).amax(dim=1).clamp(min=1)
        values = torch.where(observed, steps, 0.0)
        inputs = torch.cat([values, observed.to(x), given], dim=2)
        present = (position <= lengths[:, None]).to(x)[:, :, None]
        summary = _summary(self.onward(inputs, generator), lengths, present)
        if self.backward is not None:
            back = (lengths[:, None] - position).clamp(min=0)[:, :, None]
            reversed_inputs = inputs.gather(1, back.expand_as(inputs))
            states = self.backward(reversed_inputs, generator)
            summary = torch.cat([summary, _summary(states, lengths, present)], dim=1)
        code = self.last(summary)
        if self.linear is None:
            return code
        return self.linear(torch.where(torch.isnan(x), 0.0, x)) + code

    def _steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return steps of shape (n, n_steps, n_channels), and the condition of each."""
        if x.ndim == 3:
            return x[:, :, : self.sample_shape[1]], x[:, :, self.sample_shape[1] :]
        steps = x[:, : self.n_cells].reshape(-1, *self.sample_shape)
        given = x[:, self.n_cells :][:, None].expand(-1, self.sample_shape[0], -1)
        return steps, given

    def reset(self, generator: Generator) -> None:
        for part in (self.linear, self.onward, self.backward, self.last):
            if part is not None:
                part.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        self.last.zero()

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        first = self.last if self.linear is None else self.linear
        first.bias.copy_(first.bias.to(shift) - shift)
        for layer in {self.last, first}:
            layer.multiply_output(matrix)

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("An encoder of sequences has a fixed basis of its input.")


class _SequenceDecoder(Coder):
    """y(t) = z B(t) + b(t) + S(z)(t) + g(z, t), where t is the share of the length gone by.

    B is there for one length only. S are cosines of t whose coefficients are linear in z, and
    g is a multilayer perceptron of z and t, or recurrent layers over them.
    """

    def __init__(
        self, shapes: Shapes, layers: Layers, hidden: HiddenLayers, recurrent: bool, linear: bool
    ) -> None:
        super().__init__()
        self.sample_shape = _sample_shape(shapes)
        features = self.sample_shape[1] if shapes.ragged else math.prod(self.sample_shape)
        self.n_parameters = shapes.n_outputs // features
        width = self.sample_shape[1] * self.n_parameters
        k = shapes.n_latents
        self.linear = Linear(k, shapes.n_outputs) if linear else None
        self.smooth = None if linear else Linear(k, _SMOOTH * width)
        self.basis = Linear(k, k)
        n_in = k + 2 + 2 * len(_FREQUENCIES)
        self.recurrence = _Recurrence(n_in, layers) if recurrent else None
        inner = layers.hidden_size if recurrent else n_in
        self.mlp = MLP((inner, _DECODER_WIDTH, _DECODER_WIDTH, width), hidden)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        n_steps = self.sample_shape[0] if extent is None else extent.size[0]
        lengths = x.new_full((len(x),), n_steps)
        if extent is not None and extent.lengths is not None:
            lengths = extent.lengths.to(x)
        begin = torch.arange(n_steps, device=x.device).to(x) / lengths[:, None]
        middle = begin + 0.5 / lengths[:, None]
        code = self.basis(x)[:, None].expand(-1, n_steps, -1)
        waves = [f(math.pi * k * middle) for k in _FREQUENCIES for f in (torch.sin, torch.cos)]
        time = torch.stack([begin, begin + 1 / lengths[:, None], *waves], dim=2)
        inner = torch.cat([time, code], dim=2)
        if self.recurrence is not None:
            inner = self.recurrence(inner, generator)
        steps = self.mlp(inner.flatten(0, 1), generator).unflatten(0, (len(x), n_steps))
        if self.smooth is not None:
            order = torch.arange(_SMOOTH, device=x.device)
            cosines = torch.cos(math.pi * order * middle.clamp(0, 1)[:, :, None])
            cosines = cosines * torch.where(order > 0, math.sqrt(2), 1.0).to(x)
            steps = steps + cosines @ self.smooth(x).unflatten(1, (_SMOOTH, -1))
        if extent is not None:  # (n, n_steps, parameters times channels)
            return steps
        cells = steps.unflatten(2, (self.n_parameters, -1)).movedim(2, 1).flatten(1)
        return cells if self.linear is None else self.linear(x) + cells

    def reset(self, generator: Generator) -> None:
        for part in (self.linear, self.smooth, self.recurrence, self.mlp):
            if part is not None:
                part.reset(generator)
        nn.init.eye_(self.basis.weight)
        nn.init.zeros_(self.basis.bias)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        self.mlp.last.zero()

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A decoder of sequences has a fixed basis of its output.")

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        for layer in (self.linear, self.smooth, self.basis):
            if layer is not None:
                layer.prepend(matrix, shift)


class Recurrent(Architecture):
    """Recurrent layers that read a sequence, and a function of code and time that writes one.

    encoder(x) = x A + f(x), where f reads the states of recurrent layers at the last step
    and their mean. decoder(z)(t) = z B(t) + g(z, t), where t is the share of the length that
    has gone by. A and B are the linear maps of the closed-form start over all steps, where
    sequences have one length; otherwise B(t) is a sum of cosines of t and A is left out.
    Padding has no part in either.

    Parameters
    ----------
    cell : {"gru", "lstm"}, default="gru"
        Gated recurrent units or long short-term memory.
    hidden_size : int, default=32
        Width of the state.
    n_layers : int, default=1
        Number of layers, in each direction.
    bidirectional : bool, default=True
        Whether the encoder also reads sequences from their end.
    recurrent_decoder : bool, default=False
        Whether g has recurrent layers over time. It is a multilayer perceptron of code and
        time otherwise, which learns faster.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation of the decoder's hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.
    hidden_noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to hidden units in training.
    sequence_id : str or int, default=None
        Column of ids of sequences that come as a long data frame, a row a step.

    References
    ----------
    Cho et al., Learning phrase representations using RNN encoder-decoder for statistical
    machine translation, EMNLP 2014. :arxiv:`1406.1078`

    Examples
    --------
    >>> from sklearn_ae import Recurrent, VariationalAutoencoder
    >>> autoencoder = VariationalAutoencoder(4, architecture=Recurrent(cell="lstm"))

    Waves of different lengths, as three numbers each:

    >>> import numpy as np
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.metrics import reconstruction_r2
    >>> rng = np.random.default_rng(0)
    >>> lengths, phases = rng.integers(10, 20, 60), rng.uniform(0, 6.28, 60)
    >>> waves = [np.sin(np.arange(n) / 3 + p)[:, None] for n, p in zip(lengths, phases)]
    >>> options = {"learning_rate_init": 0.01, "early_stopping": False, "random_state": 0}
    >>> autoencoder = Autoencoder(3, architecture=Recurrent(hidden_size=16), max_iter=20, **options)
    >>> reconstruction_r2(autoencoder.fit(waves), waves) > 0.8
    True
    """

    _parameter_constraints: dict = {
        "cell": [StrOptions({"gru", "lstm"})],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "recurrent_decoder": ["boolean"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "hidden_noise": [Interval(Real, 0, None, closed="left")],
        "sequence_id": [str, Integral, None],
    }

    def __init__(
        self,
        cell: str = "gru",
        hidden_size: int = 32,
        n_layers: int = 1,
        bidirectional: bool = True,
        recurrent_decoder: bool = False,
        activation: str = "silu",
        dropout: float = 0.0,
        hidden_noise: float = 0.0,
        sequence_id: str | int | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.recurrent_decoder = recurrent_decoder
        self.activation = activation
        self.dropout = dropout
        self.hidden_noise = hidden_noise
        self.sequence_id = sequence_id

    def adapter(self) -> Sequences:
        """Return the adapter of sequences."""
        return Sequences(self.sequence_id)

    def of_arrays(self, sample_shape: tuple[int, ...] | None) -> Recurrent:
        """Return the architecture for sequences that are no long frame."""
        return clone(self).set_params(sequence_id=None)

    def of_codes(self) -> Dense:
        """Return dense networks of the same kind of layers."""
        return Dense(None, self.activation, self.dropout, self.hidden_noise)

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks; see `Architecture`."""
        layers = self._layers()
        hidden = HiddenLayers(self.activation, self.dropout, self.hidden_noise)
        return (
            _SequenceEncoder(shapes, layers, self.bidirectional, linear_path),
            _SequenceDecoder(shapes, layers, hidden, self.recurrent_decoder, linear_path),
        )

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of one step: steps wait for each other."""
        _, n_channels = _sample_shape(shapes)
        layers = self._layers()
        directions = 2 if self.bidirectional else 1
        a_step = directions * layers.work(2 * n_channels)
        a_step += _DECODER_WIDTH * (shapes.n_latents + _DECODER_WIDTH + n_channels)
        if self.recurrent_decoder:
            a_step += layers.work(shapes.n_latents)
        return a_step

    def _layers(self) -> Layers:
        return Layers(self.cell, self.hidden_size, self.n_layers, self.dropout, self.hidden_noise)


def _summary(states: Tensor, lengths: Tensor, present: Tensor) -> Tensor:
    """Return the state at the last step and the mean state, padding left out."""
    last = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])
    mean = (states * present).sum(dim=1) / lengths[:, None]
    return torch.cat([states.gather(1, last)[:, 0], mean], dim=1)


def _sample_shape(shapes: Shapes) -> tuple[int, int]:
    if shapes.sample_shape is None or len(shapes.sample_shape) != 2:
        raise ValueError(
            "A Recurrent architecture reads sequences, but the rows are not; pass X as sequences."
        )
    n_steps, n_channels = shapes.sample_shape
    return n_steps, n_channels
