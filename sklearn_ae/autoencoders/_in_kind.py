"""Methods that answer in the library and on the device of what they are given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sklearn import config_context
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.data import ArrayForm, as_numpy, rows_as_numpy
from sklearn_ae.sources._opening import refuse_source, row_source
from sklearn_ae.sources._out import METHODS, applied

_Method = TypeVar("_Method", bound=Callable)


def in_kind(method: _Method) -> _Method:
    """Let a method of rows see numpy arrays, and answer in the form of its rows.

    An estimator that has `_stays` says by it which rows it sees as they are: tensors on the
    device of its network. One that has `_takes_sources` answers for sources of rows, piece by
    piece.
    """
    name = method.__name__

    @functools.wraps(method)
    def answered(self: Any, X: Any, *args: Any, **further: Any) -> Any:
        if name in METHODS and (source := row_source(X)) is not None:
            if not hasattr(self, "_takes_sources"):
                refuse_source(self, X)
            check_is_fitted(self)
            return applied(self, source, name, *args, **further)
        form = ArrayForm.of(X)
        form.check(self, name)
        given = [as_numpy(value) for value in args]
        named = {key: as_numpy(value) for key, value in further.items()}
        if form.name == "torch" and hasattr(self, "_stays") and self._stays(X):
            return form.back(method(self, X.detach(), *given, **named))
        if form.xp is None:
            return method(self, rows_as_numpy(X), *given, **named)
        # What is called within sees numpy's rows alone.
        with config_context(array_api_dispatch=False):
            found = method(self, rows_as_numpy(X), *given, **named)
        return form.back(found)

    return cast(_Method, answered)
