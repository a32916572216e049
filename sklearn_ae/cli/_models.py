"""Models in files of skops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sklearn_ae
from sklearn_ae.report import InputError


def check_target(path: Path) -> None:
    """Raise if no model can be saved there, before there is one.

    Raises
    ------
    InputError
        If skops is not installed, or the file has another ending or is a folder.
    """
    need_skops()
    if path.suffix != ".skops" or path.is_dir():
        raise InputError(f"--model {path} is no file of skops; use a name such as model.skops.")


def save(model: Any, path: Path) -> None:
    """Save a fitted estimator or Pipeline.

    Raises
    ------
    InputError
        If skops is not installed, or the file cannot be written.
    """
    need_skops()
    import skops.io

    try:
        skops.io.dump(model, path)
    except OSError as error:
        raise InputError(f"--model {path} cannot be written: {error.strerror}.") from error


def load(path: Path) -> Any:
    """Load what `save` has saved; other types than scikit-learn's and ours are refused.

    Raises
    ------
    InputError
        If skops is not installed, there is no such file, or no model in it that is trusted.
    """
    need_skops()
    import skops.io

    if not path.is_file():
        raise InputError(f"{path} does not exist; pass a model that report --model has saved.")
    try:
        return skops.io.load(path, trusted=sklearn_ae.TRUSTED_TYPES)
    except Exception as error:  # skops raises what unpacking raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path} cannot be loaded by skops: {reason}") from error


def need_skops() -> None:
    """Raise if skops is not installed."""
    from importlib.util import find_spec

    if find_spec("skops") is None:
        raise InputError("models are saved by skops; run pip install skops.")
