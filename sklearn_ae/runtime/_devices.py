"""Devices by name."""

from __future__ import annotations

import torch


def resolve_device(name: str) -> str:
    """Return the name of the device that torch will use, or say that it is not there.

    Parameters
    ----------
    name : str
        "cpu", "cuda", "cuda:1", "mps", or "auto": the first of cuda, mps and cpu that
        is available.

    Raises
    ------
    ValueError
        If torch does not know the device or cannot find it.
    """
    if name == "auto":
        available = [kind for kind in ("cuda", "mps") if _count(kind)]
        return available[0] if available else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(
            f'device={name!r} is not a device; use "cpu", "cuda", "cuda:1", "mps" or "auto".'
        ) from error
    if device.type not in ("cpu", "cuda", "mps") or (device.index or 0) >= _count(device.type):
        raise ValueError(
            f"device={name!r} is not available: torch finds {_count(device.type)} "
            f'{device.type} devices here; use device="cpu" or device="auto".'
        )
    return name


def available_device(name: str) -> str:
    """Return a device, or the CPU where it is missing, as for loaded estimators."""
    try:
        return resolve_device(name)
    except ValueError:
        return "cpu"


def _count(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count()
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return int(kind == "cpu")
