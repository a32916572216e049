"""What a subclass takes from its base: parameters, their domains and their documentation."""

from __future__ import annotations

import functools
import inspect
import re
from inspect import Parameter, Signature
from typing import Any

from sklearn_ae.runtime import named_in_errors

# The parameters of a docstring, and the attributes, if it has any.
_SECTIONS = re.compile(
    r"^Parameters\n-{10}\n(.*?)(?:\n\nAttributes\n-{10}\n(.*?))?(?=\n\n\w[\w ]*\n--|\Z)",
    re.MULTILINE | re.DOTALL,
)


def check_super_called(cls: Any) -> None:
    """Make a subclass's own `__init__` name the parameters of its base that it leaves unset."""
    if "__init__" not in vars(cls):
        return
    init = cls.__init__
    of_base = list(inspect.signature(super(cls, cls).__init__).parameters.values())[1:]
    stored = [p.name for p in of_base if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **parameters: Any) -> None:
        init(self, *args, **parameters)
        unset = [name for name in stored if not hasattr(self, name)]
        if unset:
            raise TypeError(
                f"{cls.__name__}.__init__ leaves {len(unset)} parameters of its base unset, such "
                f"as {', '.join(unset[:3])}; call super().__init__(...) in it."
            )

    cls.__init__ = checked


def declare(cls: Any) -> None:
    """Complete a subclass's signature, constraints and documentation by those of its base.

    Parameters
    ----------
    cls : type
        An `__init__` of its own states its own parameters and hands others on by `**`, but
        for those in `_left_out`. Its `_parameter_constraints` and the sections of its
        docstring are those of its own parameters and attributes, or replace the base's.
    """
    base: Any = super(cls, cls)
    if "__init__" in vars(cls):
        own = inspect.signature(cls.__init__).parameters
        kept = [p for p in own.values() if p.kind is not Parameter.VAR_KEYWORD]
        if len(kept) < len(own):
            absent = {*own, *cls._left_out}
            inherited = inspect.signature(base.__init__).parameters.values()
            kept += [
                p.replace(kind=Parameter.KEYWORD_ONLY) for p in inherited if p.name not in absent
            ]
            cls.__init__.__signature__ = Signature(kept)
        cls.__init__ = named_in_errors(cls.__init__)
    names = list(inspect.signature(cls.__init__).parameters)
    constraints = {**base._parameter_constraints, **cls._parameter_constraints}
    cls._parameter_constraints = {n: c for n, c in constraints.items() if n in names}
    docs = (inspect.getdoc(c) or "" for c in cls.__mro__[1:])
    cls.__doc__ = cls.__doc__ and _documented(inspect.cleandoc(cls.__doc__), docs, names)


def _documented(doc: str, inherited: Any, names: list[str]) -> str:
    """Return a docstring with the parameters of a signature, and its own attributes first."""
    own = _SECTIONS.search(doc)
    given = next(filter(None, map(_SECTIONS.search, inherited)), None)
    if own is None or given is None:
        return doc
    parameters, attributes = (_entries(own[i], given[i]) for i in (1, 2))
    entries = [parameters[name] for name in names if name in parameters]
    heading = ["Attributes", "-" * 10]
    lines = ["Parameters", "-" * 10, *entries, "", *heading, *attributes.values()]
    return doc.replace(own[0], "\n".join(lines))


def _entries(*texts: str | None) -> dict[str, str]:
    """Return the entries of a section by name, each as it is first found."""
    entries: dict[str, str] = {}
    for text in filter(None, texts):
        for entry in re.split(r"\n(?=\S)", text):
            entries.setdefault(entry.split(" :")[0], entry)
    return entries
