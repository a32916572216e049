"""Latents: what stands between an encoder and a decoder."""

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.latents._batch_top_k import BatchTopK
from sklearn_ae.latents._code_density import (
    draw_from,
    drawn_rows,
    fitted_density,
    mixture_of_codes,
)
from sklearn_ae.latents._deterministic import Deterministic
from sklearn_ae.latents._gaussian import Gaussian
from sklearn_ae.latents._importance import importance_draws
from sklearn_ae.latents._jump_relu import JumpReLU
from sklearn_ae.latents._mmd import MMD
from sklearn_ae.latents._sigmoid import Sigmoid
from sklearn_ae.latents._top_k import TopK
from sklearn_ae.latents._vector_quantized import VectorQuantized, VectorQuantizedModule

__all__ = [
    "MMD",
    "BatchTopK",
    "Deterministic",
    "Gaussian",
    "JumpReLU",
    "Latent",
    "LatentModule",
    "Sigmoid",
    "TopK",
    "VectorQuantized",
    "VectorQuantizedModule",
    "draw_from",
    "drawn_rows",
    "fitted_density",
    "importance_draws",
    "mixture_of_codes",
]
