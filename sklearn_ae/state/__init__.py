"""What a saved estimator consists of: plain values, a format number and a digest."""

from sklearn_ae.state._plain import from_plain, own_classes, to_plain
from sklearn_ae.state._sealing import OtherVersionWarning, seal, unseal

__all__ = ["OtherVersionWarning", "from_plain", "own_classes", "seal", "to_plain", "unseal"]
