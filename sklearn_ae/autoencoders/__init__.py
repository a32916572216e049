"""The estimators: one file a variant."""

from sklearn_ae.autoencoders._autoencoder import Autoencoder

__all__ = ["Autoencoder"]
