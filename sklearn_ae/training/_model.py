"""A network with the scales of its rows and codes: all that inference needs."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.architectures import Architecture
from sklearn_ae.data import ColumnScaling
from sklearn_ae.latents import Latent
from sklearn_ae.losses import Loss
from sklearn_ae.training._module import AutoencoderModule
from sklearn_ae.training._threads import thread_count, torch_threads

# Cells of the widest layer in one inference block.
_BLOCK_CELLS = 2**20
# Rows whose errors are held at once.
_ERROR_ROWS = 8192


class ModuleFactory:
    """Builds a network of fixed shapes, its weights not yet set.

    Parameters
    ----------
    architecture : Architecture
        The encoder and decoder.
    latent : Latent
        What stands between them.
    n_features, n_components, n_rows : int
        Shapes, and the number of training rows for rules by data size.
    linear_path : bool
        Whether a linear map stands beside the network.
    """

    def __init__(
        self,
        architecture: Architecture,
        latent: Latent,
        n_features: int,
        n_components: int,
        n_rows: int,
        linear_path: bool,
    ) -> None:
        self.architecture = architecture
        self.latent = latent
        self.n_features = n_features
        self.n_components = n_components
        self.n_rows = n_rows
        self.linear_path = linear_path

    def __call__(self) -> AutoencoderModule:
        """Build the network."""
        encoder, decoder = self.architecture.build(
            self.n_features,
            self.latent.n_codes(self.n_components),
            self.n_components,
            self.n_rows,
            self.linear_path,
        )
        return AutoencoderModule(encoder, self.latent.build(self.n_components), decoder)

    @property
    def work(self) -> int:
        """Multiplications of one row in one forward pass."""
        return self.architecture.work(self.n_features, self.n_components, self.n_rows)


class Model:
    """A trained network between X's units and the user's codes.

    The float64 copy of the weights is made once, by `freeze`.

    Parameters
    ----------
    factory : ModuleFactory
        Builds the network again when it is loaded.
    module : AutoencoderModule
        The network, float32.
    scaling : ColumnScaling
        Column scales of the training rows.
    loss : Loss
        What an error costs.
    code_scale : ndarray of shape (n_components,)
        Factor from the network's codes to the user's.
    """

    def __init__(
        self,
        factory: ModuleFactory,
        module: AutoencoderModule,
        scaling: ColumnScaling,
        loss: Loss,
        code_scale: NDArray[np.float64] | None = None,
    ) -> None:
        self.factory = factory
        self.module = module
        self.scaling = scaling
        self.loss = loss
        self.code_scale = np.ones(factory.n_components) if code_scale is None else code_scale
        self.freeze()

    def freeze(self) -> None:
        """Make the float64 copy of the weights; call it whenever they changed."""
        double = copy.deepcopy(self.module)
        if self._device.type == "mps":
            double = double.to("cpu")
        self._modules = {np.dtype(np.float32): self.module, np.dtype(np.float64): double.double()}

    def copy(self) -> Model:
        """Return a copy that shares no weight."""
        module = copy.deepcopy(self.module)
        return Model(self.factory, module, self.scaling, self.loss, self.code_scale)

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device

    def encode(self, x: NDArray) -> NDArray:
        """Return the codes of rows in X's units, in their dtype."""
        module = self._modules[x.dtype]

        def function(block: NDArray) -> NDArray:
            z = self.scaling.apply(block.astype(np.float64, copy=False))
            code = _run(module, module.encode, z, x.dtype)
            return code * self.code_scale

        return self._by_block(function, x, self.factory.n_components)

    def decode(self, code: NDArray) -> NDArray:
        """Return the rows, in X's units, of codes, in their dtype."""
        module = self._modules[code.dtype]

        def function(block: NDArray) -> NDArray:
            z = _run(module, module.decode, block / self.code_scale, code.dtype)
            return self.scaling.restore(z)

        return self._by_block(function, code, self.factory.n_features)

    def errors(self, x: NDArray) -> NDArray[np.float64]:
        """Return the loss of each cell in X's units."""
        return self.loss.errors(x, self.decode(self.encode(x)))

    def row_errors(self, x: NDArray) -> NDArray[np.float64]:
        """Return the loss of each row in X's units, holding no more than a block of cells."""
        out = np.empty(len(x))
        for start in range(0, len(x), _ERROR_ROWS):
            part = slice(start, start + _ERROR_ROWS)
            out[part] = self.errors(x[part]).sum(axis=1)
        return out

    def _by_block(
        self, function: Callable[[NDArray], NDArray], values: NDArray, width: int
    ) -> NDArray:
        out = np.empty((len(values), width), dtype=values.dtype)
        size = max(64, _BLOCK_CELLS // max(256, self.factory.n_features))
        with torch_threads(thread_count(self.factory.work * min(size, len(values)))):
            for start in range(0, len(values), size):
                out[start : start + size] = function(values[start : start + size])
        return out


@torch.no_grad()
def _run(
    module: AutoencoderModule,
    function: Callable[[Tensor], Tensor],
    values: NDArray,
    dtype: np.dtype,
) -> NDArray[np.float64]:
    device = next(module.parameters()).device
    tensor = torch.from_numpy(values.astype(dtype)).to(device)
    return function(tensor).cpu().numpy().astype(np.float64, copy=False)
