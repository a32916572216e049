"""Corruptions: what is done to the rows that an encoder sees in training.

Rows are standardised when a corruption meets them, so scales are in standard
deviations of a column, or of a channel in images and sequences, and 0 is the mean.
"""

from sklearn_ae.corruptions._base import Corruption
from sklearn_ae.corruptions._cells import (
    GaussianNoise,
    MaskingNoise,
    SaltAndPepperNoise,
    SwapNoise,
)
from sklearn_ae.corruptions._images import Blur, Downsampling, Erasing
from sklearn_ae.corruptions._user import UserCorruption, in_standard_units

__all__ = [
    "Blur",
    "Corruption",
    "Downsampling",
    "Erasing",
    "GaussianNoise",
    "MaskingNoise",
    "SaltAndPepperNoise",
    "SwapNoise",
    "UserCorruption",
    "in_standard_units",
]
