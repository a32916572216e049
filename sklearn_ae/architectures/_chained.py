"""Architectures one after the other, as in a stack of autoencoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Generator, Tensor, nn

from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.data import Batch, ColumnScaling, Extent, InputAdapter


class Affine(nn.Module):
    """(x - shift) * scale, both fixed: between the codes of one stage and the rows of the next.

    Parameters
    ----------
    width : int
        Number of columns.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Shift and scale."""
        return (x - self.shift) * self.scale


class Chain(Coder):
    """Networks that each read what the one before writes, in fixed units.

    Parameters
    ----------
    parts : sequence of Coder
        The networks.
    widths : sequence of int
        Widths between them.
    encoding : bool
        Whether the wide end is the input, as in an encoder.
    """

    def __init__(self, parts: Sequence[Coder], widths: Sequence[int], encoding: bool) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.encoding = encoding
        self.parts = nn.ModuleList(parts)
        self.between = nn.ModuleList(Affine(width) for width in widths)

    @property
    def coders(self) -> list[Coder]:
        """The networks, from input to output."""
        return [cast(Coder, part) for part in self.parts]

    @property
    def units(self) -> list[Affine]:
        """The units between them."""
        return [cast(Affine, affine) for affine in self.between]

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        *inner, last = self.coders
        for coder, affine in zip(inner, self.units, strict=True):
            x = affine(coder(x, generator))
        return last(x, generator, None if self.encoding else extent)

    def averaged(self, x: Tensor) -> Tensor:
        *inner, last = self.coders
        for coder, affine in zip(inner, self.units, strict=True):
            x = affine(coder.averaged(x))
        return last.averaged(x)

    def affine_end(self, x: Tensor) -> tuple[Tensor, nn.Linear] | None:
        *inner, last = self.coders
        for coder, affine in zip(inner, self.units, strict=True):
            x = affine(coder(x))
        return last.affine_end(x)

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        return tuple(width for coder in self.coders for width in coder.hidden_widths)

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        found = []
        for i, coder in enumerate(self.coders):
            found += coder.hidden_layers(x)
            if i < len(self.units):
                x = self.units[i](coder(x))
        return found

    def reset(self, generator: Generator) -> None:
        for coder in self.coders:
            coder.reset(generator)
        for affine in self.units:
            nn.init.zeros_(affine.shift)
            nn.init.ones_(affine.scale)

    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Put the map into the network at the wide end; the others hand its columns on."""
        n_in, n_out = weight.shape
        widths = (*self.widths, n_out) if self.encoding else (n_in, *self.widths)
        maps = [torch.eye(a, b) for a, b in pairwise(widths)]
        biases: list[Tensor | None] = [None] * len(maps)
        if self.encoding:
            into = torch.eye(n_out, widths[0])
            maps.insert(0, weight @ into)
            biases.insert(0, None if bias is None else bias @ into)
        else:
            maps.append(torch.eye(widths[-1], n_in) @ weight)
            biases.append(bias)
        for coder, part, shift in zip(self.coders, maps, biases, strict=True):
            coder.set_linear(part, shift)

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        self.coders[-1].transform_output(matrix, shift)

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        self.coders[0].transform_input(matrix, shift)


class Chained(Architecture):
    """Stages of encoders, and their decoders in reverse.

    Parameters
    ----------
    architectures : tuple of Architecture
        One a stage.
    widths : tuple of int
        Width of the code of each stage but the last.
    """

    def __init__(self, architectures: tuple[Architecture, ...], widths: tuple[int, ...]) -> None:
        self.architectures = architectures
        self.widths = widths

    @property
    def deep(self) -> bool:
        """Whether the hidden layers of every stage are vectors."""
        return all(architecture.deep for architecture in self.architectures)

    @property
    def symmetry(self) -> str:
        """The code is the last stage's."""
        return self.architectures[-1].symmetry

    def adapter(self) -> InputAdapter:
        """Return the adapter of the first stage's input."""
        return self.architectures[0].adapter()

    def augmentation(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...] | None
    ) -> Callable[[Batch, Generator], Batch] | None:
        """Return that of the first stage."""
        return self.architectures[0].augmentation(scalings, sample_shape)

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two chains; see `Architecture`."""
        pairs = [a.build(s, linear_path) for a, s in self._stages(shapes)]
        encoders, decoders = zip(*pairs, strict=True)
        return (
            Chain(encoders, self.widths, encoding=True),
            Chain(decoders[::-1], self.widths[::-1], encoding=False),
        )

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of all stages; see `Architecture`."""
        return sum(a.work(s) for a, s in self._stages(shapes))

    def _stages(self, shapes: Shapes) -> list[tuple[Architecture, Shapes]]:
        stages = []
        last = len(self.architectures) - 1
        for i, architecture in enumerate(self.architectures):
            stage = shapes._replace(
                n_inputs=shapes.n_inputs if i == 0 else self.widths[i - 1],
                n_outputs=shapes.n_outputs if i == 0 else self.widths[i - 1],
                n_codes=shapes.n_codes if i == last else self.widths[i],
                n_latents=shapes.n_latents if i == last else self.widths[i],
                sample_shape=shapes.sample_shape if i == 0 else None,
                ragged=shapes.ragged and i == 0,
            )
            stages.append((architecture, stage))
        return stages
