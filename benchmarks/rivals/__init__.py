"""Libraries to compare with: one file a library, each with a `RIVAL`."""

import importlib
import pkgutil

from benchmarks.rivals._base import DensityModel, Reconstructor, Rival, Sampler

__all__ = ["DensityModel", "Reconstructor", "Rival", "Sampler", "get", "names"]


def names() -> list[str]:
    """Return the names of all rivals, installed or not."""
    return sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    )


def get(name: str) -> Rival:
    """Return the rival of that name.

    Parameters
    ----------
    name : str
        The name of a file in this folder.

    Returns
    -------
    rival : Rival
    """
    if name not in names():
        raise ValueError(f"Unknown library {name!r}; known are {', '.join(names())}.")
    return importlib.import_module(f"{__name__}.{name}").RIVAL
