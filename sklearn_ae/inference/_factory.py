"""The shapes of a network, from which it is built again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.architectures import Architecture, Dense, Shapes
from sklearn_ae.inference._module import AutoencoderModule
from sklearn_ae.latents import Latent, LatentModule
from sklearn_ae.runtime import constructed, torch_defaults


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
    n_conditions : int
        Columns of the condition.
    n_parameters : int
        Numbers that the decoder writes for each feature.
    sample_shape : tuple of int, optional
        Shape of a row of an image or a sequence; of a typical one where sizes differ.
    ragged : bool
        Whether rows differ in size; features are then the channels.
    missing_columns : ndarray of int, optional
        Columns of flat rows that may be missing.
    """

    def __init__(
        self,
        architecture: Architecture,
        latent: Latent,
        n_features: int,
        n_components: int,
        n_rows: int,
        linear_path: bool,
        n_conditions: int = 0,
        n_parameters: int = 1,
        sample_shape: tuple[int, ...] | None = None,
        ragged: bool = False,
        missing_columns: NDArray[np.intp] | None = None,
    ) -> None:
        self.architecture = architecture
        self.latent = latent
        self.n_features = n_features
        self.n_components = n_components
        self.n_rows = n_rows
        self.linear_path = linear_path
        self.n_conditions = n_conditions
        self.n_parameters = n_parameters
        self.sample_shape = sample_shape
        self.ragged = ragged
        self.missing_columns = (
            np.empty(0, dtype=np.intp) if missing_columns is None else missing_columns
        )

    @property
    def shapes(self) -> Shapes:
        """Widths of the two networks."""
        return Shapes(
            n_inputs=self.n_features + self.n_conditions + len(self.missing_columns),
            n_codes=self.latent.n_codes(self.n_components),
            n_latents=self.n_components + self.n_conditions,
            n_outputs=self.n_features * self.n_parameters,
            n_rows=self.n_rows,
            sample_shape=self.sample_shape,
            ragged=self.ragged,
        )

    def __call__(self) -> AutoencoderModule:
        """Build the network."""
        with torch_defaults():
            encoder, decoder = constructed(self.architecture.build, self.shapes, self.linear_path)
            latent = constructed(self.latent.build, self.n_components)
        if not isinstance(latent, LatentModule):
            raise TypeError(
                f"latent={self.latent!r} built {latent!r:.60}, which is not a LatentModule; "
                "return one from build, whose forward(output, generator) returns a Code."
            )
        if self.latent.samples and type(latent).sample is LatentModule.sample:
            raise TypeError(
                f"latent={self.latent!r} has samples=True, but {type(latent).__name__} has no "
                "sample(n_samples, n_components, rng); write it, or leave samples=False."
            )
        with torch_defaults():
            return AutoencoderModule(encoder, latent, decoder, self.missing_columns)

    def alone(self) -> ModuleFactory:
        """Return what builds the linear path alone, for rows that are flat."""
        return ModuleFactory(
            Dense(hidden_layer_sizes=()),
            self.latent,
            self.n_features,
            self.n_components,
            self.n_rows,
            linear_path=True,
            n_conditions=self.n_conditions,
            n_parameters=self.n_parameters,
            missing_columns=self.missing_columns,
        )

    @property
    def work(self) -> int:
        """Multiplications of one row in one forward pass."""
        return self.architecture.work(self.shapes)
