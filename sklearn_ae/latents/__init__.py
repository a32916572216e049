"""Latents: what stands between an encoder and a decoder."""

from sklearn_ae.latents._base import Code, Latent, LatentModule
from sklearn_ae.latents._deterministic import Deterministic
from sklearn_ae.latents._gaussian import Gaussian, GaussianModule
from sklearn_ae.latents._importance import for_each_row, importance_draws
from sklearn_ae.latents._sigmoid import Sigmoid
from sklearn_ae.latents._top_k import TopK

__all__ = [
    "Code",
    "Deterministic",
    "Gaussian",
    "GaussianModule",
    "Latent",
    "LatentModule",
    "Sigmoid",
    "TopK",
    "for_each_row",
    "importance_draws",
]
