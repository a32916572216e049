"""Latents: what stands between an encoder and a decoder."""

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.latents._deterministic import Deterministic
from sklearn_ae.latents._gaussian import Gaussian
from sklearn_ae.latents._importance import importance_draws
from sklearn_ae.latents._sigmoid import Sigmoid
from sklearn_ae.latents._top_k import TopK

__all__ = [
    "Deterministic",
    "Gaussian",
    "Latent",
    "LatentModule",
    "Sigmoid",
    "TopK",
    "importance_draws",
]
