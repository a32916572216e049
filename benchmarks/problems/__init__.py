"""Problems to solve: one file a problem.

A problem is a module with

- ``METRICS``: names of the columns that `run` returns,
- ``LIBRARIES``: names of the libraries that take part, the cheapest first,
- ``grid(data_names, libraries, seeds)``: the cells, as (data, k, seed, library),
- ``run(library, data, k, seed)``: a dict with the metrics and the sizes of one cell,
- ``report(results, markdown)`` and ``plot(results, path)``: what to print and to draw.
"""

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Return the names of all problems."""
    return sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    )


def get(name: str) -> ModuleType:
    """Return the module of a problem."""
    return importlib.import_module(f"{__name__}.{name}")
