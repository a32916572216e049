"""What a saved estimator consists of: plain values, a format number and a digest."""

from sklearn_ae.state._migrations import FORMAT
from sklearn_ae.state._plain import trusted_types
from sklearn_ae.state._sealing import HEADER, OtherVersionWarning, seal, unseal

__all__ = ["FORMAT", "HEADER", "OtherVersionWarning", "seal", "trusted_types", "unseal"]
