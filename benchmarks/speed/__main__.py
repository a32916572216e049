"""Entry point of ``python -m benchmarks.speed``."""

import os

# Thread counts are read when numpy and torch are first imported; workers get their own.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

from benchmarks.speed.cli import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
