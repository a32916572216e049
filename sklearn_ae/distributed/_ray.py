"""A connection to Ray."""

from __future__ import annotations

import logging
import os
import re
import socket

# Seconds in which a cluster answers, if there is one.
_PATIENCE = 5.0
# Ray speaks gRPC, which is HTTP/2: either side begins with a frame of settings (RFC 9113, 3.4).
_SETTINGS = b"\x04"
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + b"\0\0\0\0\0"


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
    """Raise if nobody is at an address, or another than Ray.

    Ray itself would find out after minutes, and then end the process.
    """
    found = re.fullmatch(r"(?:ray://)?([^:/]+):(\d+)/?", address or "")
    if found is None:
        return
    with socket.create_connection((found[1], int(found[2])), _PATIENCE) as line:
        if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
            return
        line.sendall(_GREETING)
        answer = line.recv(9)
        if answer[3:4] != _SETTINGS:
            raise OSError(f"what answers there does not speak gRPC, but says {answer!r}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
