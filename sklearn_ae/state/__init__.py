"""What a saved estimator consists of: plain values, a format number and a digest."""

from sklearn_ae.state._digest import digest
from sklearn_ae.state._files import is_plain, read_file, write_file
from sklearn_ae.state._migrations import FORMAT
from sklearn_ae.state._plain import trusted_types
from sklearn_ae.state._sealing import HEADER, OtherVersionWarning, seal, unseal

__all__ = [
    "FORMAT",
    "HEADER",
    "OtherVersionWarning",
    "digest",
    "is_plain",
    "read_file",
    "seal",
    "trusted_types",
    "unseal",
    "write_file",
]
