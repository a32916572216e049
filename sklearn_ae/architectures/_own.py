"""A user's own modules in place of an architecture's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.architectures._layers import Linear, dropout, start_as
from sklearn_ae.data import Batch, ColumnScaling, Extent, InputAdapter
from sklearn_ae.runtime import constructed


class _Dropout(nn.Module):
    """Takes the place of a module's own dropout, so that it draws from our generator."""

    generator: Generator | None = None

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.generator)


class OwnCoder(Coder):
    """A user's module beside a linear map: y = x A + a + c m(x).

    The number c starts at zero, so the linear start is exact. A decoder's module reads
    x B + b and an encoder's writes to a map C; both are the identity until a change of
    basis of the code is absorbed. Without a linear path y = m(x).

    Parameters
    ----------
    factory : callable
        `factory(n_in, n_out)` returns the module.
    n_in, n_out : int
        Widths.
    linear_path : bool
        Whether the linear map is there.
    role : {"encoder", "decoder"}
        Which of the two networks this is.
    """

    def __init__(
        self,
        factory: Callable[[int, int], nn.Module],
        n_in: int,
        n_out: int,
        linear_path: bool,
        role: str,
    ) -> None:
        super().__init__()
        self.factory = factory
        self.widths = (n_in, n_out)
        self.linear = Linear(n_in, n_out) if linear_path else None
        self.gate = nn.Parameter(torch.zeros(())) if linear_path else None
        self.basis = Linear(n_in, n_in) if role == "decoder" else None
        self.mix = Linear(n_out, n_out) if role == "encoder" else None
        self.own = _construct(factory, n_in, n_out, seed=0)
        _check_output(self.own, n_in, n_out, role)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        for module in self.own.modules():
            if isinstance(module, _Dropout):
                module.generator = generator
        own = self.own(x if self.basis is None else self.basis(x))
        if self.mix is not None:
            own = self.mix(own)
        return own if self.linear is None else self.linear(x) + self.gate * own

    def reset(self, generator: Generator) -> None:
        seed = int(torch.randint(2**31, (), generator=generator))
        fresh = _construct(self.factory, *self.widths, seed=seed)
        self.own.load_state_dict(fresh.state_dict())
        for layer in (self.basis, self.mix):
            if layer is not None:
                nn.init.eye_(layer.weight)
                nn.init.zeros_(layer.bias)
        if self.linear is not None and self.gate is not None:
            self.linear.reset(generator)
            nn.init.zeros_(self.gate)

    def affine_end(self, x: Tensor) -> tuple[Tensor, nn.Linear] | None:
        return None if self.linear is None else (x, self.linear)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        maps = [layer for layer in (self.linear, self.mix) if layer is not None]
        maps[0].bias.copy_(maps[0].bias.to(shift) - shift)
        for layer in maps:
            layer.multiply_output(matrix)

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        for layer in (self.linear, self.basis):
            if layer is not None:
                layer.prepend(matrix, shift)


class OwnModules(Architecture):
    """An architecture with one or both networks replaced by a user's modules.

    Parameters
    ----------
    architecture : Architecture
        Builds what is not replaced.
    encoder, decoder : callable, default=None
        A torch module class or a factory: `encoder(n_features, n_codes)` and
        `decoder(n_components, n_features)` return a module between float tensors of
        shapes (n, n_in) and (n, n_out).
    """

    _parameter_constraints: dict = {
        "architecture": [Architecture],
        "encoder": [callable, None],
        "decoder": [callable, None],
    }

    def __init__(
        self,
        architecture: Architecture,
        encoder: Callable[[int, int], nn.Module] | None = None,
        decoder: Callable[[int, int], nn.Module] | None = None,
    ) -> None:
        self.architecture = architecture
        self.encoder = encoder
        self.decoder = decoder

    @property
    def deep(self) -> bool:
        """What is in a user's encoder is not known."""
        return self.encoder is None and self.architecture.deep

    @property
    def symmetry(self) -> str:
        """Own modules absorb what the rest of the architecture does."""
        return self.architecture.symmetry

    def adapter(self) -> InputAdapter:
        """Return the adapter of the architecture's input."""
        return self.architecture.adapter()

    def augmentation(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...] | None
    ) -> Callable[[Batch, Generator], Batch] | None:
        """Return that of the architecture."""
        return self.architecture.augmentation(scalings, sample_shape)

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks; see `Architecture`."""
        if shapes.ragged:
            raise ValueError(
                f"encoder={self.encoder!r} and decoder={self.decoder!r} read rows of one size, but "
                "those of X differ; resize or pad them, or leave encoder and decoder out."
            )
        encoder, decoder = self.architecture.build(shapes, linear_path)
        if self.encoder is not None:
            widths = (shapes.n_inputs, shapes.n_codes)
            encoder = OwnCoder(self.encoder, *widths, linear_path, "encoder")
        if self.decoder is not None:
            widths = (shapes.n_latents, shapes.n_outputs)
            decoder = OwnCoder(self.decoder, *widths, linear_path, "decoder")
        return encoder, decoder

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of the architecture; a module's own are not known."""
        return self.architecture.work(shapes)


def _construct(
    factory: Callable[[int, int], nn.Module], n_in: int, n_out: int, seed: int
) -> nn.Module:
    if isinstance(factory, nn.Module):
        raise TypeError(
            f"{factory!r} is a module, whose weights were drawn before; pass what builds it, such "
            f"as {type(factory).__name__} or lambda n_in, n_out: {type(factory).__name__}(...)."
        )
    module = constructed(factory, n_in, n_out, seed=seed)
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"{factory!r} returned {module!r} for ({n_in}, {n_out}), which is not a "
            "torch.nn.Module; pass a module class or a factory, not an instance."
        )
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout):
                setattr(parent, name, _Dropout(child.p))
    return module


@torch.no_grad()
def _check_output(module: nn.Module, n_in: int, n_out: int, role: str) -> None:
    training = module.training
    module.eval()
    output = module(torch.zeros(2, n_in))
    module.train(training)
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if shape != (2, n_out):
        raise ValueError(
            f"The module of {role}= maps rows of shape (2, {n_in}) to {shape}, but (2, {n_out}) "
            f"is needed; build its layers from the two widths that it is called with, "
            f"here {role}({n_in}, {n_out})."
        )
