"""A connection to Ray."""

from __future__ import annotations

import logging
import os
import re
import socket

# Seconds in which a cluster answers, if there is one.
_PATIENCE = 5.0


def started(address: str | None = None) -> None:
    """Connect to Ray, or start it on this machine, unless that has been done.

    Raises
    ------
    ImportError
        If Ray is not installed.
    ConnectionError
        If no cluster answers.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "sklearn_ae.distributed needs Ray; pip install 'sklearn-ae[ray]'."
        ) from error
    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        _knock(address)
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if address else {"include_dashboard": False}),
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ConnectionError(
            f"No Ray cluster answers at address={address!r} ({_first_line(error)}); start one by "
            "'ray start --head', or leave address=None and RAY_ADDRESS unset for this machine."
        ) from error


def _knock(address: str | None) -> None:
    """Raise if nobody is at an address, which Ray would find out after minutes."""
    found = re.fullmatch(r"(?:ray://)?([^:/]+):(\d+)/?", address or "")
    if found is not None:
        socket.create_connection((found[1], int(found[2])), _PATIENCE).close()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
