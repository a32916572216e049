"""CTGAN: a conditional adversarial network for tables."""

from benchmarks.rivals.tvae import CTGANRival

RIVAL = CTGANRival("CTGAN")
