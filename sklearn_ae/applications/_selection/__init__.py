"""Selection of columns: linear and non-linear, which of both, and what rebuilds the rest."""

from sklearn_ae.applications._selection._choice import Choice, ColumnSelection, choose
from sklearn_ae.applications._selection._cosines import columns_of
from sklearn_ae.applications._selection._groups import read_groups
from sklearn_ae.applications._selection._linear import linear_order
from sklearn_ae.applications._selection._rebuilder import DecoderSelection, Rebuilder
from sklearn_ae.applications._selection._sample import Sample

__all__ = [
    "Choice",
    "ColumnSelection",
    "DecoderSelection",
    "Rebuilder",
    "Sample",
    "choose",
    "columns_of",
    "linear_order",
    "read_groups",
]
