"""Addresses at which there is no Ray: each is an error at once, and names the way out."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import types

import numpy as np
import pytest

from sklearn_ae import Autoencoder
from sklearn_ae.distributed import _ray, fit

X = np.zeros((2000, 2))


@pytest.fixture
def calls(monkeypatch):
    """What Ray is started with, installed or not."""
    calls = []
    ray = types.SimpleNamespace(
        is_initialized=lambda: False, init=lambda **given: calls.append(given)
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(_ray, "_PATIENCE", 0.3)
    return calls


def refused(address):
    with pytest.raises(ConnectionError, match=rf"address='{address}'.*ray start --head"):
        fit(Autoencoder(2), X, address=address)


def test_nobody(calls):
    refused("127.0.0.1:1")
    refused("ray://127.0.0.1:1")
    refused("nobody.invalid:6379")
    assert not calls


@pytest.mark.parametrize("says", [b"HTTP/1.0 400 Bad Request", b""], ids=["web", "nothing"])
def test_somebody_else(calls, says):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            line, _ = server.accept()
            with line, contextlib.suppress(ConnectionError):
                line.recv(100)
                line.sendall(says)
                line.recv(100)  # until the other side leaves

        thread = threading.Thread(target=serve)
        thread.start()
        refused(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert not calls
