"""Problems to solve: one file a problem.

A problem is a module with

- ``METRICS``: names of the columns that `run` returns,
- ``LIBRARIES``: names of the libraries that take part, the cheapest first,
- ``grid(data_names, libraries, seeds)``: the cells, as (data, k, seed, library),
- ``run(library, data, k, seed)``: a dict with the metrics and the sizes of one cell,
- ``report(results, markdown)`` and ``plot(results, path)``: what to print and to draw,
- ``RIVALS``, optional: adapters by name, where a library is something else than its file in
  ``rivals/`` or has none.
"""

import importlib
import pkgutil
from types import ModuleType

from benchmarks import rivals


def names() -> list[str]:
    """Return the names of all problems."""
    return sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    )


def get(name: str) -> ModuleType:
    """Return the module of a problem."""
    return importlib.import_module(f"{__name__}.{name}")


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
