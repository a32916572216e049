"""Deep autoencoder of hypertools: two hidden layers on each side of the code."""

from benchmarks.rivals.hypertools import HypertoolsRival

RIVAL = HypertoolsRival("DeepAutoencoder")
