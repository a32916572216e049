"""Latents: what stands between an encoder and a decoder."""

from sklearn_ae.latents._base import Code, Latent, LatentModule
from sklearn_ae.latents._deterministic import Deterministic

__all__ = ["Code", "Deterministic", "Latent", "LatentModule"]
