"""Problems to solve: one file a problem.

A problem is a module with

- ``METRICS``: names of the columns that `run` returns,
- ``LIBRARIES``: names of the libraries that take part, the cheapest first,
- ``grid(data_names, libraries, seeds)``: the cells, as (data, k, seed, library),
- ``run(library, data, k, seed)``: a dict with the metrics and the sizes of one cell,
- ``report(results, markdown)`` and ``plot(results, path)``: what to print and to draw,
- ``RIVALS``, optional: adapters by name, where a library is something else than its file in
  ``rivals/`` or has none,
- ``DATA``, optional: names of its data sets, in place of all tables,
- ``THREADS``, optional: most threads of a cell, in place of 1. An estimator that sets its own
  number is not held to it.
"""

import importlib
import pkgutil
from types import ModuleType

from benchmarks import data, rivals


def names() -> list[str]:
    """Return the names of all problems."""
    return sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    )


def get(name: str) -> ModuleType:
    """Return the module of a problem."""
    return importlib.import_module(f"{__name__}.{name}")


def data_names(problem: str) -> list[str]:
    """Return the names of the data sets of a problem that can be loaded here.

    Parameters
    ----------
    problem : str
        Name of the problem.

    Returns
    -------
    names : list of str
        Those of its ``DATA``, or all tables where it has none.
    """
    own = getattr(get(problem), "DATA", None)
    return data.names() if own is None else [name for name in own if data.available(name)]


def rival(problem: str, library: str) -> rivals.Rival:
    """Return the adapter of a library in a problem.

    Parameters
    ----------
    problem : str
        Name of the problem.
    library : str
        A key of its ``RIVALS``, or the name of a file in ``rivals/``.

    Returns
    -------
    rival : Rival
    """
    own = getattr(get(problem), "RIVALS", {})
    return own[library] if library in own else rivals.get(library)
