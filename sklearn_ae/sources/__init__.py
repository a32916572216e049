"""Rows that are not in memory as a whole: files, lazy frames, loaders, and what yields blocks."""

from sklearn_ae.sources._base import RowSource
from sklearn_ae.sources._blocks import Blocks
from sklearn_ae.sources._out import apply_in_blocks, apply_to_file

__all__ = ["Blocks", "RowSource", "apply_in_blocks", "apply_to_file"]
