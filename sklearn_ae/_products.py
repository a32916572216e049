"""Which way to multiply matrices is the fastest here."""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from sklearn_ae._compat import is_transformed

# Products of fewer columns than these are taken the other way round, which is several times faster.
NARROW = 16
# Multiplications from which oneDNN's preparations pay, and where it has to move the rows.
_MANY_PRODUCTS = 2**20
_MANY_TRANSPOSED = 4_000_000


@cache
def blas_is_slow() -> bool:
    """Whether oneDNN multiplies large matrices in half the time of torch's BLAS.

    MKL does without AVX-512 on processors of AMD, whose units are wide enough for it from
    family 26 (Zen 5) on.
    """
    backends = torch.backends
    if not (backends.mkl.is_available() and backends.mkldnn.is_available()):
        return False
    if backends.cpu.get_cpu_capability() != "AVX512":
        return False
    described = Path("/proc/cpuinfo")
    text = described.read_text() if described.exists() else platform.processor()
    family = re.search(r"(?:cpu family\s*:|Family)\s*(\d+)", text)
    return "AuthenticAMD" in text and family is not None and int(family[1]) >= 26


def onednn_pays(x: Tensor, n_columns: int) -> bool:
    """Whether a product of so many columns is faster by oneDNN, which no transform knows."""
    least = _MANY_PRODUCTS if x.is_contiguous() else _MANY_TRANSPOSED
    return (
        x.numel() * n_columns >= least
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and blas_is_slow()
        and not is_transformed(x)
    )
