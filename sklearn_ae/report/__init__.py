"""What autoencoders find in a table, as a page: codes, strange rows, missing cells."""

from sklearn_ae.report._columns import MIN_ROWS
from sklearn_ae.report._encoder import TableEncoder
from sklearn_ae.report._errors import InputError
from sklearn_ae.report._reading import PARQUET, check_file, need_pyarrow, read_file, sniff, typed
from sklearn_ae.report._run import (
    MAX_ROWS,
    TOTAL,
    Table,
    check_folder,
    check_matplotlib,
    report_on,
    write,
)

__all__ = [
    "MAX_ROWS",
    "MIN_ROWS",
    "PARQUET",
    "TOTAL",
    "InputError",
    "Table",
    "TableEncoder",
    "check_file",
    "check_folder",
    "check_matplotlib",
    "need_pyarrow",
    "read_file",
    "report_on",
    "sniff",
    "typed",
    "write",
]
