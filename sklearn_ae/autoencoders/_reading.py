"""What an autoencoder is given, read by what `fit` has seen of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, validate_data

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.autoencoders._composing import preset_architecture
from sklearn_ae.autoencoders._slots import TABLE_PARAMETERS, check_no_conflict
from sklearn_ae.data import (
    FEW_ROWS,
    ConditionEncoder,
    Container,
    InputAdapter,
    Ragged,
    Rows,
    SparseRows,
    Table,
    as_numpy,
    check_accepted,
    check_same_units,
    read_companions,
    within_range,
)
from sklearn_ae.losses import LOSSES, Loss

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder

DTYPES = (np.float64, np.float32)
_TENSOR_DTYPES = (torch.float64, torch.float32)
# Bytes beyond which sparse rows are not returned as one dense array.
LARGEST_DENSE = 2**31
# Cells of a block of reconstructions that are yielded.
_BLOCK_CELLS = 2**22


class Reader:
    """Checks rows and what comes with them, and puts rows into a user's containers.

    `adapter` takes rows from what a user holds, `container` is how they came in `fit`,
    `condition` encodes what they are conditioned on, and `sparse` says whether they were a
    sparse matrix.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Its parameters say how to read X.
    X : array-like, sparse matrix or data frame
        The rows of `fit`.
    counted : list, optional
        Levels of columns, where these are only some of the rows; see `Table`.
    """

    condition: ConditionEncoder | None = None
    sparse: bool = False

    def __init__(
        self, estimator: BaseAutoencoder, X: ArrayLike, counted: list | None = None
    ) -> None:
        check_accepted(X)
        architecture = preset_architecture(estimator)
        architecture._validate_params()
        adapter: InputAdapter = architecture.adapter()
        for name in adapter.options:
            setattr(adapter, name, getattr(estimator, name))
        unread = [n for n in TABLE_PARAMETERS if n not in adapter.options]
        check_no_conflict(estimator, "architecture", architecture, unread)
        loss = estimator.loss
        takes_flags = (loss if isinstance(loss, Loss) else LOSSES[loss]).takes_flags
        if isinstance(adapter, Table) and takes_flags:
            adapter.counts_flags = True
        if isinstance(adapter, Table):
            adapter.counted = counted
        self.adapter = adapter.fit(X)

    def following(
        self, estimator: BaseAutoencoder, X: ArrayLike
    ) -> tuple[Reader, NDArray[np.intp] | None]:
        """Return a reader of the rows of a fit that goes on, and where its columns were before.

        Kinds, levels and units of columns are part of a network that goes on, and so is what
        conditions mean. None means that no column is new, gone or elsewhere.
        """
        check_accepted(X)
        reader, index = copy.copy(self), None
        before = list(getattr(estimator, "feature_names_in_", ()))
        names = Container.of(X).columns
        if before and names and names != before:
            reader.adapter, index = self.adapter.following(X, before)
        elif self.adapter.tabular and np.shape(X)[1:] != (estimator.n_features_in_,):
            raise ValueError(
                f"X has the shape {np.shape(X)}, but the network so far is of a table of "
                f"{estimator.n_features_in_} columns; pass a data frame with the names of its "
                "columns, or set warm_start=False."
            )
        return reader, index

    def values(
        self,
        estimator: BaseAutoencoder,
        X: ArrayLike,
        *,
        reset: bool = False,
        goes_on: bool = False,
    ) -> Any:
        """Check rows and put them into the form that the network's side takes."""
        check_accepted(X)
        if self.adapter.tabular:
            validate_data(estimator, X, reset=reset, skip_check_array=True)
            return self.adapter.rows(X)
        found = self.adapter.rows(X)
        finite = "allow-nan" if self.adapter.missing else True
        seen = self.adapter.note if reset and not goes_on else self.adapter.compare
        if isinstance(found, Ragged):
            named = self.adapter.named(X)
            validate_data(estimator, named, reset=reset, skip_check_array=True)
            with np.errstate(invalid="ignore"):
                cells = check_array(
                    found.cells, dtype=DTYPES, ensure_all_finite=finite, input_name="X"
                )
            seen(Ragged(cells, found.sizes), X)
            return Ragged(self.adapter.scale(cells), found.sizes)
        # It adds up the cells, past infinity both ways.
        with np.errstate(invalid="ignore"):
            checked = validate_data(
                estimator,
                found,
                accept_sparse="csr" if self.adapter.sparse else False,
                dtype=dtypes_of(found),
                reset=reset,
                ensure_all_finite=True if issparse(found) else finite,
            )
        checked = _native(checked)
        seen(checked, X)
        return SparseRows(checked) if issparse(checked) else self.adapter.scale(checked)

    def rows(
        self,
        estimator: BaseAutoencoder,
        X: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
        *,
        reset: bool,
        goes_on: bool = False,
    ) -> Rows:
        """Check what `fit` or `partial_fit` was given, and put it together."""
        values = self.values(estimator, X, reset=reset, goes_on=goes_on)
        weight = None
        if sample_weight is not None:
            weight = within_range(check_sample_weight(sample_weight, values))
        further: dict[str, Any] = {}
        if companions is not None:
            further = read_companions(companions, len(values))
        if X_clean is not None:
            further["target"] = self.clean(estimator, X_clean, values)
        shape = self.adapter.sample_shape
        if reset:
            self.container = self.adapter.container(X)
            self.sparse = isinstance(values, SparseRows)
            if condition is not None and not goes_on:
                rows = Rows(values, weight, sample_shape=shape)
                self.condition = ConditionEncoder().fit(condition, rows)
        further["condition"] = self.conditions(estimator, condition, len(values))
        return Rows(values, weight, sample_shape=shape, **further)

    @np.errstate(invalid="ignore")  # scikit-learn adds up the cells, past infinity both ways
    def clean(self, estimator: BaseAutoencoder, X_clean: ArrayLike, values: Any) -> Any:
        """Check the clean rows that belong to noisy ones."""
        check_accepted(X_clean, "X_clean")
        names = list(getattr(estimator, "feature_names_in_", ()))
        found = Container.of(self.adapter.named(X_clean)).columns
        if names and len(found) == len(names) and found != names:
            raise ValueError(
                f"X_clean has the columns {found!r:.200}, but X has {names!r:.200}; pass the same "
                "columns in the same order."
            )
        clean = self.adapter.rows(X_clean)
        if not self.adapter.tabular:
            ragged = isinstance(clean, Ragged)
            may_lack = self.adapter.missing and (ragged or self.adapter.sample_shape is None)
            checked = check_array(
                clean.cells if ragged else clean,
                accept_sparse="csr" if self.adapter.sparse else False,
                dtype=DTYPES,
                input_name="X_clean",
                ensure_all_finite="allow-nan" if may_lack else True,
            )
            checked = _native(checked)
            if ragged:
                clean.check_sizes(values)
                return Ragged(self.adapter.scale(checked), clean.sizes)
            clean = SparseRows(checked) if issparse(checked) else self.adapter.scale(checked)
        if clean.shape != values.shape:
            raise ValueError(
                f"X_clean has shape {clean.shape}, but X has shape {values.shape}; pass the "
                "clean version of each row of X, in the same columns."
            )
        if len(clean) >= FEW_ROWS:
            check_same_units(values, clean)
        return clean

    def conditions(
        self, estimator: BaseAutoencoder, condition: ArrayLike | None, n_rows: int
    ) -> NDArray | None:
        """Return the columns of a condition, or None where fit had none."""
        if self.condition is not None:
            return self.condition.apply(condition, n_rows)
        if condition is not None:
            raise ValueError(
                f"condition={condition!r:.60} was given, but this {type(estimator).__name__} was "
                "fitted without one; fit it with condition= too."
            )
        return None

    def typical(self, n_rows: int, lengths: ArrayLike | None) -> Ragged | None:
        """Return rows of the sizes asked for, or of a typical size, where sizes differ."""
        sizes = self.adapter.sizes(lengths, n_rows)
        return None if sizes is None else Ragged.alike(sizes)

    def blocks(
        self, X: Any, condition: ArrayLike | None, n_features: int, batch_size: int | None
    ) -> Iterator[tuple[Any, Any]]:
        """Return blocks of rows, each with its condition; None takes a block's usual cells."""
        if batch_size is not None and (not isinstance(batch_size, Integral) or batch_size < 1):
            raise ValueError(
                f"batch_size={batch_size!r} must be an integer of at least 1, or None."
            )
        check_accepted(X)
        width = max(n_features, math.prod(self.adapter.sample_shape or ()))
        size = max(1, _BLOCK_CELLS // width) if batch_size is None else int(batch_size)
        every = condition is None or np.ndim(condition) == 0
        given: Any = condition if every else np.asarray(as_numpy(condition))
        return (
            (part, given if every else given[i * size : (i + 1) * size])
            for i, part in enumerate(self.adapter.parts(X, size))
        )


def dtypes_of(X: Any) -> tuple:
    """Return the types that rows may be of; others become the first."""
    return _TENSOR_DTYPES if torch.is_tensor(X) else DTYPES


def _native(values: Any) -> Any:
    """Return numbers in the machine's order of bytes, the only one that torch reads."""
    if torch.is_tensor(values):
        return values
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def check_dense_size(n_rows: int, n_features: int, dtype: np.dtype, name: str) -> None:
    """Raise if what sparse rows become would be too large for an array."""
    size = n_rows * n_features * dtype.itemsize
    if size > LARGEST_DENSE:
        raise ValueError(
            f"{name} of {n_rows} sparse rows would return {n_rows} x {n_features} numbers, which "
            f"are {size / 2**30:.1f} GiB, more than {LARGEST_DENSE / 2**30:g} GiB; go over "
            "iter_reconstruct(X), which yields the reconstruction in blocks of rows, or pass "
            "fewer rows at a time."
        )
