"""What an architecture owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Generator, Tensor, nn

from sklearn_ae.data import Batch, ColumnScaling, Extent, InputAdapter, Table
from sklearn_ae.runtime import NamesParameters


class Coder(nn.Module, ABC):
    """A network from vectors to vectors that may stand beside a linear map.

    Encoders and decoders are of this kind, so that a closed-form start can be put into
    them and a change of basis of the code taken up by them. `stackable` says whether the
    training of several networks as one is faster than one after the other.
    """

    stackable: bool = False

    @abstractmethod
    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        """Map rows; a generator means training, and feeds dropout.

        The extent is the size of what a decoder writes where rows differ in size.
        """

    def averaged(self, x: Tensor) -> Tensor:
        """Map rows once training is over: as `forward` does, by default.

        A network that is trained on mirror images may return the mean over them.
        """
        return self(x)

    @abstractmethod
    def reset(self, generator: Generator) -> None:
        """Draw new initial weights."""

    def affine_end(self, x: Tensor) -> tuple[Tensor, nn.Linear] | None:
        """Return an affine map whose output is added to what is written, and what it reads of x.

        Where there is one, a decoder takes the regression of new columns up with it.
        """
        return None

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers that `hidden_layers` returns."""
        return ()

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        """Return the hidden layers of rows, outside training, where they are vectors."""
        return []

    @abstractmethod
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Start as the affine map x @ weight + bias, with a residual that is zero."""

    def set_units(self, decoder: Tensor) -> None:
        """Be notified, as an encoder, of the linear map x @ decoder that the decoder starts as."""

    def release(self) -> None:
        """Leave the start: let the network be trained without the linear map.

        Called once, between the validation of the start and the first epoch. By default
        the linear map stays.
        """

    @abstractmethod
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb (output - shift) @ matrix into the weights."""

    @abstractmethod
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb x @ matrix + shift, applied before this network, into the weights."""


class AffineCoder(Coder, ABC):
    """A network that begins and ends with affine maps, beside functions of single cells.

    Rows of very many columns, most of them zero, can then be read, and compared with what
    is written, without being made dense.
    """

    @abstractmethod
    def of_sparse(self, rows: Any, zero: Tensor) -> Tensor:
        """Map rows S + 1 zero', outside training.

        Parameters
        ----------
        rows : sparse array of shape (n, n_in)
            The matrix S.
        zero : Tensor of shape (n_in,)
            What a row is where S is zero.
        """

    @abstractmethod
    def before_last(self, x: Tensor) -> Tensor:
        """Return, outside training, what the map of `last_map` is applied to."""

    @abstractmethod
    def last_map(self) -> tuple[Tensor, Tensor]:
        """Return the weights, of shape (n_out, n), and the bias of the last affine map."""


class Shapes(NamedTuple):
    """The shapes of an autoencoder's two networks.

    Parameters
    ----------
    n_inputs : int
        Width of what the encoder reads: the features, and the condition's columns.
    n_codes : int
        Width of what it writes: the latent's parameters.
    n_latents : int
        Width of what the decoder reads: the code, and the condition's columns.
    n_outputs : int
        Width of what it writes: the parameters of each feature's distribution.
    n_rows : int
        Number of training rows, for rules by data size.
    sample_shape : tuple of int, optional
        Shape of a row of an image or a sequence; of a typical one where sizes differ.
    ragged : bool
        Whether rows differ in size. Inputs and outputs are then channels.
    """

    n_inputs: int
    n_codes: int
    n_latents: int
    n_outputs: int
    n_rows: int
    sample_shape: tuple[int, ...] | None = None
    ragged: bool = False


class Architecture(NamesParameters, ABC):
    """Stores hyperparameters; builds an encoder and a decoder when the shapes are known."""

    _parameter_constraints: dict = {}

    @property
    def deep(self) -> bool:
        """Whether the hidden layers of the encoder are vectors, which can be features."""
        return False

    @property
    def symmetry(self) -> str:
        """Changes of basis of the code that the two networks can absorb."""
        return "linear"

    def adapter(self) -> InputAdapter:
        """Return the adapter of the input that the encoder takes."""
        return Table()

    def of_arrays(self, sample_shape: tuple[int, ...] | None) -> Architecture:
        """Return the architecture for rows that come as arrays of one shape, or as lists."""
        return self

    def of_codes(self) -> Architecture:
        """Return the architecture of a stage that reads the codes of one like this."""
        return self

    def augmentation(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...] | None
    ) -> Callable[[Batch, Generator], Batch] | None:
        """Return what moves training rows and their targets at random, if anything does."""
        return None

    @abstractmethod
    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks, their weights not yet set.

        Parameters
        ----------
        shapes : Shapes
            Widths and the number of rows.
        linear_path : bool
            Whether a linear map stands beside each network.
        """

    @abstractmethod
    def work(self, shapes: Shapes) -> int:
        """Return the multiplications that one row costs in one forward pass."""
