"""Labels as a user gives them: classes, indicators or numbers, some of them unknown."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _num_samples

from sklearn_ae.applications._few_labels._tasks import Classes, Numbers, Task
from sklearn_ae.data import as_numpy

UNLABELLED = -1
_NO_WEIGHT = "No row with a label has a positive weight; give sample_weight above zero to some."


class Outputs(ABC):
    """What is known of each output.

    Parameters
    ----------
    values : ndarray of shape (n, n_outputs)
        Labels of all rows.
    flat : bool
        Whether y had one column.
    """

    classes: NDArray | None = None

    def __init__(self, values: NDArray, flat: bool) -> None:
        self.values = values
        self.flat = flat

    @abstractmethod
    def task(self, output: int, few: bool) -> Task:
        """Return what an output is."""

    @abstractmethod
    def target(self, output: int) -> NDArray[np.float64]:
        """Return targets of an output, of shape (n, k), NaN where there is no label."""

    def units(self, output: int) -> tuple[float, float]:
        """Return the zero and the unit of the targets."""
        return 0.0, 1.0

    def factors(self, output: int, class_weight: Any) -> NDArray[np.float64] | float:
        """Return factors of the weights of the rows."""
        return 1.0


class ClassOutputs(Outputs):
    """Numbers of classes, -1 where there is no label.

    Parameters
    ----------
    codes : ndarray of shape (n, n_outputs), int
        Positions among the classes.
    classes : ndarray of shape (n_classes,)
        The classes.
    flat : bool
        Whether y had one column.
    """

    def __init__(self, codes: NDArray, classes: NDArray, flat: bool) -> None:
        super().__init__(codes, flat)
        self.classes: NDArray = classes

    def task(self, output: int, few: bool) -> Classes:
        """Return what an output is."""
        return Classes(len(self.classes), few)

    def target(self, output: int) -> NDArray[np.float64]:
        """Return one-hot targets."""
        codes = self.values[:, output]
        return np.where(codes[:, None] < 0, np.nan, np.eye(len(self.classes))[codes])

    def factors(self, output: int, class_weight: Any) -> NDArray[np.float64] | float:
        """Return factors of the weights of the rows."""
        codes = self.values[:, output]
        known = codes >= 0
        factors = np.zeros(len(codes))
        for label, value in class_weight.items() if isinstance(class_weight, Mapping) else ():
            if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
                raise ValueError(
                    f"class_weight has {value!r:.60} for class {_plain(label)!r:.60}; weights of "
                    "classes must be finite numbers of at least 0."
                )
        factors[known] = compute_sample_weight(class_weight, self.classes[codes[known]])
        return factors


class NumberOutputs(Outputs):
    """Numbers, NaN where there is no label."""

    def task(self, output: int, few: bool) -> Numbers:
        """Return what an output is."""
        return Numbers(few)

    def target(self, output: int) -> NDArray[np.float64]:
        """Return numbers in units of their range."""
        zero, unit = self.units(output)
        return ((self.values[:, output] - zero) / unit)[:, None]

    def units(self, output: int) -> tuple[float, float]:
        """Return the zero and the unit of the targets: extremes, which weights leave alone."""
        low, high = np.nanmin(self.values[:, output]), np.nanmax(self.values[:, output])
        return float(low / 2 + high / 2), float(high / 2 - low / 2) or 1.0


def read_classes(
    y: Any, n_rows: int, counts: NDArray[np.bool_] | None = None, where: str = ""
) -> ClassOutputs:
    """Check classes or indicators of several labels; -1, None and NaN mark rows without one.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_labels)
        Labels as the user gave them.
    n_rows : int
        Number of rows of X.
    counts : ndarray of shape (n_rows,), bool, optional
        Rows whose labels are looked at; None means all.
    where : str, default=""
        Which rows of X these are, for messages: " of the source".
    """
    y = _given(y, n_rows)
    if y.ndim == 2 and y.shape[1] > 1:
        return _indicators(y)  # whose classes are 0 and 1
    if y.ndim == 2:
        y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError(
            f"Input y contains infinity or a value too large for {y.dtype!r}: row "
            f"{np.flatnonzero(np.isinf(y))[0]} has {y[np.isinf(y)][0]}; use -1 or NaN for rows "
            "without a label."
        )
    # Arrays of text make text of -1 and None, and so do files; None is a word, too.
    texts = ("-1", "nan", "None") if y.dtype.kind in "US" else ("-1",)
    if y.dtype.kind in "USO" and any(isinstance(v, str) and v in texts for v in y):
        text = next(v for v in y if isinstance(v, str) and v in texts)
        raise ValueError(
            f"y is text and holds {str(text)!r}; pass an array of objects or a column with -1, "
            "None or NaN itself for rows without a label, or map it to another text if it is a "
            "class."
        )
    if y.dtype.kind in "mM":
        raise ValueError(
            f"y holds {_plain(y[0])!r:.60}, a date or a duration; pass labels that are text, "
            "such as y.astype(str), or numbers."
        )
    none = np.asarray(pd.isna(y), dtype=bool)
    marked = none | _is_mark(y, none)
    if not marked.all() and len(_distinct(y[~marked])) < 2 and (marked & ~none).any():
        if not none.any():  # which say that -1 is no mark
            known = _plain(y[~marked][0])
            warnings.warn(
                f"y holds -1 and {known!r} alone, so that -1 counts as a class; use None or NaN "
                "for rows without a label, or other numbers for two classes.",
                UserWarning,
                stacklevel=4,
            )
        marked = none
    if counts is not None and not marked.all():
        marked = marked | ~counts
        if marked.all():
            raise ValueError(_NO_WEIGHT)
    known = y[~marked]
    if not len(known):
        raise ValueError(
            f"No row{where} has a label: all {len(y)} entries of y are -1, None or NaN; "
            "give classes to some rows of each."
        )
    if known.dtype == object:
        kinds = {"text" if isinstance(v, str) else "numbers" for v in known}
        if len(kinds) > 1:
            first = next(v for v in known if isinstance(v, str))
            other = next(v for v in known if not isinstance(v, str))
            raise ValueError(
                f"y mixes text such as {first!r} with numbers such as {other!r}; pass labels of "
                "one type, with -1 or None for rows without one."
            )
        known = np.array(known.tolist())
    check_classification_targets(known)
    classes, codes = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class{where and f' in the rows{where}'}, {_plain(classes[0])!r}, and a "
            "classifier needs labels of at least "
            "two classes; label rows of another one, or use AutoencoderOutlierDetector, which "
            "needs none."
        )
    every = np.full((len(y), 1), UNLABELLED)
    every[~marked, 0] = codes
    return ClassOutputs(every, classes, True)


def read_numbers(y: Any, n_rows: int, counts: NDArray[np.bool_] | None = None) -> NumberOutputs:
    """Check numbers of one or several outputs; NaN marks those that are not known.

    See `read_classes` for the parameters; rows that do not count have no say in the units.
    """
    y = _given(y, n_rows)
    flat = y.ndim == 1
    try:
        if y.dtype.kind not in "biufO":
            raise TypeError
        if y.dtype == object:
            y = np.where(pd.isna(y), np.nan, y)
        values = y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"y holds {_plain(y.ravel()[0])!r:.60}, but a regressor needs numbers; pass them as "
            "float, with NaN for rows without one, or use AutoencoderClassifier."
        ) from None
    if np.isinf(values).any():
        where = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            "Input y contains infinity or a value too large for dtype('float64'): row "
            f"{where[0]} has {values[tuple(where)]}; use NaN for rows without a number."
        )
    values = values.reshape(len(values), -1)
    known = ~np.isnan(values)
    if counts is not None and known.any(axis=0).all():
        values[~counts] = np.nan
        known &= counts[:, None]
        if not known.any(axis=0).all():
            raise ValueError(_NO_WEIGHT)
    for j in np.flatnonzero(~known.any(axis=0)):
        column = "" if flat else f" in column {j} of y"
        raise ValueError(
            f"No row has a label{column}: all {len(values)} entries are NaN; give numbers to some "
            "rows."
        )
    return NumberOutputs(values, flat)


def labelled(y: Any, n_rows: int, classes: NDArray | None = None) -> tuple[NDArray, NDArray]:
    """Return labels as an array, and which rows have them all.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels as the user gave them.
    n_rows : int
        Number of rows of X.
    classes : ndarray of shape (n_classes,), optional
        Classes, where -1 marks rows without a label unless it is one of them.

    Raises
    ------
    ValueError
        If no row has a label.
    """
    y = _given(y, n_rows)
    unknown = np.asarray(pd.isna(y), dtype=bool)
    if classes is not None and UNLABELLED not in classes.tolist():
        marks = _is_mark(y.ravel(), unknown.ravel())
        unknown |= marks.reshape(y.shape)
    known = np.asarray(~unknown.reshape(len(y), -1).any(axis=1))
    if not known.any():
        raise ValueError(
            f"No row has a label to score by: all {n_rows} entries of y are "
            f"{'NaN' if classes is None else '-1, None or NaN'}; give labels to some rows."
        )
    return y, known


def accuracy_where_labelled(classifier: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the accuracy of a fitted classifier on the rows that have a label."""
    found = as_numpy(classifier.predict(X))
    given, known = labelled(y, len(found), as_numpy(classifier.classes_))
    weight = None if sample_weight is None else as_numpy(sample_weight)[known]
    true = np.array(given[known].tolist())
    return float(accuracy_score(true, found[known], sample_weight=weight))


def _given(y: Any, n_rows: int) -> NDArray:
    """Return labels as an array with an entry a row."""
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None; pass a label for "
            "some rows, and -1 (NaN for numbers) for the others."
        )
    y = as_numpy(y)
    if issparse(y):
        y = y.toarray()
    if isinstance(y, pd.Series | pd.DataFrame):
        extension = any(not isinstance(t, np.dtype) for t in np.atleast_1d(y.dtypes))
        y = y.to_numpy(dtype=object) if extension else y.to_numpy()
    if isinstance(y, list | tuple) and any(v is None or isinstance(v, str) for v in y):
        y = np.array(y, dtype=object)
    y = np.asarray(y)
    if y.ndim not in (1, 2) or 0 in y.shape[1:]:
        raise ValueError(
            f"y has shape {y.shape}; pass one entry a row, of shape ({n_rows},), or several, of "
            f"shape ({n_rows}, n_outputs)."
        )
    if _num_samples(y) != n_rows:
        raise ValueError(
            f"y has {_num_samples(y)} entries and X has {n_rows} rows: inconsistent numbers of "
            "samples; pass one label a row, -1 (NaN for numbers) where there is none."
        )
    return y


def _indicators(y: NDArray) -> ClassOutputs:
    """Check indicators of several labels, -1 where one is not known."""
    known = np.where(pd.isna(y), UNLABELLED, y)
    values = np.unique(known)
    if not np.isin(values, [UNLABELLED, 0, 1]).all():
        strange = _plain(values[~np.isin(values, [UNLABELLED, 0, 1])][0])
        kind = type_of_target(y) if y.dtype.kind in "biuf" and not pd.isna(y).any() else "object"
        raise ValueError(
            f"Unknown label type: y of shape {y.shape} holds {strange!r} ({kind}); several columns "
            "are indicators of labels, 0 or 1, with -1 where one is not known. Fit a classifier "
            "for each column of several classes."
        )
    codes = known.astype(int)
    for j, column in enumerate(codes.T):
        if (column == UNLABELLED).all():
            raise ValueError(
                f"No row has a label in column {j} of y: all {len(codes)} entries are -1; give 0 "
                "or 1 to some rows."
            )
    return ClassOutputs(codes, np.array([0, 1]), False)


def _is_mark(y: NDArray, none: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which entries are -1."""
    if y.dtype.kind in "biuf":
        return y == UNLABELLED
    if y.dtype.kind != "O":
        return np.zeros(len(y), dtype=bool)
    numbers = [not isinstance(v, str) and not n for v, n in zip(y, none, strict=True)]
    return np.array([n and v == UNLABELLED for v, n in zip(y, numbers, strict=True)], dtype=bool)


def _plain(value: Any) -> Any:
    """Return a label as Python prints it."""
    return value.item() if isinstance(value, np.generic) else value


def _distinct(values: NDArray) -> set:
    return set(values.tolist())
