"""Checks of what an autoencoder is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from sklearn_ae.architectures import Architecture
from sklearn_ae.autoencoders._composed import ComposedAutoencoder
from sklearn_ae.autoencoders._parameters import TABLE_PARAMETERS, check_no_conflict
from sklearn_ae.data import (
    FEW_ROWS,
    ConditionEncoder,
    InputAdapter,
    Ragged,
    Rows,
    SparseRows,
    check_same_units,
)

DTYPES = (np.float64, np.float32)


class ValidatingAutoencoder(ComposedAutoencoder):
    """Checks rows and what comes with them."""

    _adapter: InputAdapter

    def _validated(self, X: ArrayLike, *, reset: bool = False) -> Any:
        """Check rows and put them into the form that the network's side takes."""
        if self._adapter.tabular:
            validate_data(self, X, reset=reset, skip_check_array=True)
            return self._adapter.rows(X)
        found = self._adapter.rows(X)
        finite = "allow-nan" if self._adapter.missing else True
        if isinstance(found, Ragged):
            named = self._adapter.named(X)
            validate_data(self, named, reset=reset, skip_check_array=True)
            cells = check_array(found.cells, dtype=DTYPES, ensure_all_finite=finite, input_name="X")
            return Ragged(self._adapter.scale(cells), found.sizes)
        checked = validate_data(
            self,
            found,
            accept_sparse="csr" if self._adapter.sparse else False,
            dtype=DTYPES,
            reset=reset,
            ensure_all_finite=True if issparse(found) else finite,
        )
        return SparseRows(checked) if issparse(checked) else self._adapter.scale(checked)

    def _rows(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None,
        X_clean: ArrayLike | None,
        condition: ArrayLike | None,
        *,
        reset: bool,
    ) -> Rows:
        """Check what `fit` was given, and put it together."""
        if reset:
            architecture = self._preset()
            architecture._validate_params()
            self._adapter = self._new_adapter(architecture).fit(X)
        values = self._validated(X, reset=reset)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(
                sample_weight, values, dtype=np.float64, ensure_non_negative=True
            )
        target = None if X_clean is None else self._clean(X_clean, values)
        shape = self._adapter.sample_shape
        rows = Rows(values, weight, target=target, sample_shape=shape)
        if reset:
            self._condition = None if condition is None else ConditionEncoder().fit(condition, rows)
        encoded = self._conditions(condition, len(values))
        return Rows(values, weight, target=target, condition=encoded, sample_shape=shape)

    def _new_adapter(self, architecture: Architecture) -> InputAdapter:
        """Return the adapter of the input, told how to read it."""
        adapter = architecture.adapter()
        for name in adapter.options:
            setattr(adapter, name, getattr(self, name))
        unread = [n for n in TABLE_PARAMETERS if n not in (*adapter.options, *self._left_out)]
        check_no_conflict(self, "architecture", architecture, unread)
        return adapter

    def _clean(self, X_clean: ArrayLike, values: Any) -> Any:
        """Check the clean rows that belong to noisy ones."""
        found = self._adapter.rows(X_clean)
        if self._adapter.tabular:
            return self._checked_clean(found, values)
        ragged = isinstance(found, Ragged)
        holes = self._adapter.missing and (ragged or self._adapter.sample_shape is None)
        clean = check_array(
            found.cells if ragged else found,
            accept_sparse="csr" if self._adapter.sparse else False,
            dtype=DTYPES,
            input_name="X_clean",
            ensure_all_finite="allow-nan" if holes else True,
        )
        if ragged:
            found.check_sizes(values)
            return Ragged(self._adapter.scale(clean), found.sizes)
        clean = SparseRows(clean) if issparse(clean) else self._adapter.scale(clean)
        return self._checked_clean(clean, values)

    def _checked_clean(self, clean: Any, values: Any) -> Any:
        """Return clean rows of one size that belong to noisy ones."""
        if clean.shape != values.shape:
            raise ValueError(
                f"X_clean has shape {clean.shape}, but X has shape {values.shape}; pass the "
                "clean version of each row of X, in the same columns."
            )
        if len(clean) >= FEW_ROWS:
            check_same_units(values, clean)
        return clean

    def _conditions(self, condition: ArrayLike | None, n_rows: int) -> NDArray | None:
        """Return the columns of a condition, or None where fit had none."""
        encoder: ConditionEncoder | None = self.__dict__.get("_condition")
        if encoder is not None:
            return encoder.apply(condition, n_rows)
        if condition is not None:
            raise ValueError(
                f"condition={condition!r:.60} was given, but this {type(self).__name__} was "
                "fitted without one; fit it with condition= too."
            )
        return None
