"""Penalties: named terms that join the reconstruction loss."""

from sklearn_ae.penalties._base import Penalty
from sklearn_ae.penalties._contraction import Contraction
from sklearn_ae.penalties._domains import DomainAdversary, DomainDiscrepancy
from sklearn_ae.penalties._local_stress import LocalStress
from sklearn_ae.penalties._nested import NestedCodes
from sklearn_ae.penalties._sparsity import KLSparsity, L1Sparsity
from sklearn_ae.penalties._weights import L1Weights

__all__ = [
    "Contraction",
    "DomainAdversary",
    "DomainDiscrepancy",
    "KLSparsity",
    "L1Sparsity",
    "L1Weights",
    "LocalStress",
    "NestedCodes",
    "Penalty",
]
