"""Arrays of other libraries than numpy, on any device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import get_config

from sklearn_ae._compat import namespace_and_device, to_numpy


class ArrayForm:
    """The library and the device of an array, so that answers go back there.

    It is numpy's where scikit-learn's array API dispatch is off.

    Parameters
    ----------
    xp : module, optional
        Namespace of the array API standard; None for numpy.
    device : object, optional
        Device in that namespace.
    """

    def __init__(self, xp: Any = None, device: Any = None) -> None:
        self.xp = xp
        self.device = device

    @classmethod
    def of(cls, X: Any) -> ArrayForm:
        """Note where X is."""
        if not is_foreign(X) or not get_config()["array_api_dispatch"]:
            return _NUMPY
        return cls(*namespace_and_device(X))

    @property
    def name(self) -> str:
        """Name of the library."""
        return "numpy" if self.xp is None else self.xp.__name__.rpartition(".")[2]

    def back(self, values: Any) -> Any:
        """Return an array, or a list or tuple of them, in this form; others as they are."""
        if self.xp is None:
            return values
        if type(values) in (list, tuple):
            return type(values)(map(self.back, values))
        if torch.is_tensor(values):
            return values.to(self.device) if self.name == "torch" else values
        if not isinstance(values, np.ndarray):
            return values
        if values.dtype == np.float64 and getattr(self.device, "type", None) == "mps":
            values = values.astype(np.float32)  # the widest that the device has
        # Contiguous, as torch refuses negative strides.
        return self.xp.asarray(np.ascontiguousarray(values), device=self.device)

    def mark(self, state: dict[str, Any]) -> None:
        """Note the library of `fit` in an estimator's state, and put learned arrays into it."""
        state.pop("_namespace", None)
        if self.xp is not None:
            learned = {k: v for k, v in state.items() if k[0] != "_" and k[-1] == "_"}
            arrays = {k: v for k, v in learned.items() if isinstance(v, np.ndarray)}
            state.update({k: self.back(v) for k, v in arrays.items()}, _namespace=self.name)

    def check(self, estimator: Any, method: str) -> None:
        """Raise if an estimator was fitted in another library than numpy and this one."""
        fitted = vars(estimator).get("_namespace", "numpy")
        if fitted not in ("numpy", self.name) and get_config()["array_api_dispatch"]:
            raise ValueError(
                f"X of {type(estimator).__name__}.{method}() must use the same namespace as that "
                f"of fit(), {fitted}, but it is of {self.name}; convert it, or set "
                "array_api_dispatch=False, with which arrays of any library become numpy's."
            )


_NUMPY = ArrayForm()


def is_foreign(X: Any) -> bool:
    """Whether X is an array of another library than numpy."""
    return not isinstance(X, np.ndarray) and hasattr(X, "__dlpack__")


def as_numpy(X: Any) -> Any:
    """Return arrays of other libraries as numpy's, which share memory on the CPU."""
    return to_numpy(X) if is_foreign(X) else X


def rows_as_numpy(X: Any) -> Any:
    """Return rows as numpy's, but for tensors of images and sequences.

    These have channels first or are told apart by their type; adapters read them.
    """
    return X if torch.is_tensor(X) and X.ndim > 2 else as_numpy(X)
