"""From what a user holds to what a network sees: adapters, rows, scales, batches."""

from sklearn_ae.data._accepted import check_accepted
from sklearn_ae.data._arrays import ArrayForm, as_numpy, is_foreign, rows_as_numpy
from sklearn_ae.data._batch import (
    AnyBatch,
    Batch,
    Extent,
    LazyBatch,
    RaggedBatch,
    block_rows,
)
from sklearn_ae.data._channels import ChannelScaling
from sklearn_ae.data._columns import Categorical, Column, Empty, Numeric, fit_column
from sklearn_ae.data._companions import RESERVED, as_tensor, read_companions
from sklearn_ae.data._condition import ConditionEncoder
from sklearn_ae.data._containers import Container, is_frame, with_missing
from sklearn_ae.data._digests import digest_of_data
from sklearn_ae.data._images import Images, as_images
from sklearn_ae.data._input_adapter import InputAdapter
from sklearn_ae.data._lazy_rows import EXPANDED_CELLS, LazyRows, SparseRows, dense_block
from sklearn_ae.data._normal_scores import NormalScores
from sklearn_ae.data._pixel_range import OtherRangeWarning, PixelRange
from sklearn_ae.data._ragged import Ragged, blocks, plan
from sklearn_ae.data._rows import FEW_ROWS, SMALL, Rows, within_range
from sklearn_ae.data._scaling import ColumnScaling, UnitScaling, check_same_units
from sklearn_ae.data._scalings import fit_scaling, scaling_from
from sklearn_ae.data._sequences import Sequences, Steps
from sklearn_ae.data._series import Series
from sklearn_ae.data._support import Support, few_values
from sklearn_ae.data._table import Table
from sklearn_ae.data._table_reading import categorical_columns, objects_as_numbers, read_table
from sklearn_ae.data._table_rows import Columns, TableRows
from sklearn_ae.data._table_scaling import TableScaling, level_spans

__all__ = [
    "EXPANDED_CELLS",
    "FEW_ROWS",
    "RESERVED",
    "SMALL",
    "AnyBatch",
    "ArrayForm",
    "Batch",
    "Categorical",
    "ChannelScaling",
    "Column",
    "ColumnScaling",
    "Columns",
    "LazyBatch",
    "LazyRows",
    "ConditionEncoder",
    "Container",
    "Empty",
    "Extent",
    "Images",
    "InputAdapter",
    "Numeric",
    "OtherRangeWarning",
    "PixelRange",
    "Ragged",
    "RaggedBatch",
    "Rows",
    "Sequences",
    "Series",
    "SparseRows",
    "Steps",
    "Support",
    "Table",
    "TableRows",
    "TableScaling",
    "UnitScaling",
    "NormalScores",
    "as_images",
    "as_numpy",
    "as_tensor",
    "block_rows",
    "blocks",
    "categorical_columns",
    "check_accepted",
    "check_same_units",
    "dense_block",
    "digest_of_data",
    "few_values",
    "fit_column",
    "fit_scaling",
    "is_foreign",
    "is_frame",
    "level_spans",
    "objects_as_numbers",
    "plan",
    "read_companions",
    "read_table",
    "rows_as_numpy",
    "scaling_from",
    "with_missing",
    "within_range",
]
