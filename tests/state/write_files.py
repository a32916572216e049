"""Write a file of each estimator in today's format: python -m tests.state.write_files.

It is run once for each format, before the first release that writes it. Files of a format that
has been released stay as they are.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from zipfile import ZIP_DEFLATED

import joblib
import numpy as np
import skops.io

from sklearn_ae.state import FORMAT
from tests.state.models import KINDS, answers, fitted

FILES = Path(__file__).parent / "files"


def main() -> None:
    """Write the files, and answers beside them."""
    folder = FILES / f"format_{FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in KINDS:
        with warnings.catch_warnings(action="ignore"):
            estimator = fitted(name)
        joblib.dump(estimator, folder / f"{name}.joblib", compress=9)
        skops.io.dump(estimator, folder / f"{name}.skops", compression=ZIP_DEFLATED)
        np.savez_compressed(folder / f"{name}.npz", **answers(name, estimator))


if __name__ == "__main__":
    main()
