"""What functions can be called with."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from typing import Any, Self, TypeVar, cast

from sklearn.base import BaseEstimator

_Init = TypeVar("_Init", bound=Callable)


def takes(function: Callable, *args: Any, **further: Any) -> bool:
    """Whether a function can be called so, as far as its signature is known."""
    try:
        signature(function).bind(*args, **further)
    except TypeError:
        return False
    except ValueError:  # it has none
        return True
    return True


def named_in_errors(init: _Init) -> _Init:
    """Make an `__init__` name the user's class and the nearest parameter if one is unknown."""
    own = signature(init)
    known = list(own.parameters)[1:]
    takes_all = any(p.kind is Parameter.VAR_KEYWORD for p in own.parameters.values())

    @functools.wraps(init)
    def named(self: Any, *args: Any, **parameters: Any) -> None:
        cls = type(self).__name__
        for name in parameters:
            if name not in known and not takes_all:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
                raise TypeError(f"{cls}() got an unexpected parameter {name!r}; {hint}")
        try:
            init(self, *args, **parameters)
        except TypeError:
            try:
                own.bind(self, *args, **parameters)
            except TypeError as error:
                raise TypeError(f"{cls}(): {error}; pass parameters by name.") from None
            raise

    return cast(_Init, named)


def check_known(estimator: Any, names: Iterable[str]) -> None:
    """Raise if a parameter that is to be set is unknown, and another one has nearly its name.

    Parameters
    ----------
    estimator : estimator
        Whose parameters are to be set.
    names : iterable of str
        Parameters, those of parts as ``part__parameter``.
    """
    known = sorted(estimator.get_params(deep=False))
    for name in (given.partition("__")[0] for given in names):
        near = [] if name in known else difflib.get_close_matches(name, known, n=1)
        if near:
            raise ValueError(
                f"Invalid parameter {name!r} for estimator {estimator}; did you mean {near[0]!r}? "
                f"Valid parameters are: {known!r}."
            )


class NamesParameters(BaseEstimator):
    """Names the nearest parameter if one is unknown, in `__init__` of each subclass too."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = named_in_errors(cls.__init__)  # type: ignore[method-assign]

    def set_params(self, **params: Any) -> Self:
        """Set parameters; see :class:`sklearn.base.BaseEstimator`."""
        check_known(self, params)
        return super().set_params(**params)
