"""One cell of the problem `sparse` in a process of its own, whose peak memory is its own.

``python -m benchmarks.problems._sparse_worker LIBRARY DATA K SEED`` prints a line of JSON.
"""

import time

import numpy as np

from benchmarks import data, made, problems
from benchmarks.problems import _process
from benchmarks.speed import machine

BLOCK = 500


def r2(model, X, mean: np.ndarray) -> float:
    """Return the share of the squared distance to the training means that is kept, by block.

    Parameters
    ----------
    model : object
        Has ``iter_reconstruct``.
    X : sparse array of shape (n_rows, n_columns)
        Held-out rows.
    mean : ndarray of shape (n_columns,)
        Means of the training rows.

    Returns
    -------
    r2 : float
    """
    lost = total = 0.0
    rows = np.arange(X.shape[0])
    blocks = model.iter_reconstruct(X, batch_size=BLOCK)
    for start, restored in zip(rows[::BLOCK], blocks, strict=True):
        true = X[start : start + BLOCK].toarray().astype(np.float64)
        lost += float(np.square(true - restored).sum())
        total += float(np.square(true - mean).sum())
    return 1 - lost / total


def main(library: str, name: str, k: int, seed: int) -> dict:
    """Fit, transform and score.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the code.
    seed : int
        Seed of the rows and of the fit.

    Returns
    -------
    row : dict
        Metrics and sizes.
    """
    rival = problems.rival("sparse", library)
    rival.load()
    train, test = made.sparse_rows(*data.shape(name), seed)
    start = time.perf_counter()
    model = rival.fit(train, k, seed)
    fitted = time.perf_counter()
    codes = model.transform(train)
    transformed = time.perf_counter()
    if codes.shape != (train.shape[0], k) or not np.isfinite(codes).all():
        raise ValueError(f"The codes are not {k} finite numbers a row.")
    # The peak is that of fit and transform, the training rows and all libraries included.
    peak = machine.peak()
    mean = np.asarray(train.mean(axis=0, dtype=np.float64)).ravel()
    return {
        "n_train": train.shape[0],
        "n_test": test.shape[0],
        "p": train.shape[1],
        "filled": round(train.nnz / (train.shape[0] * train.shape[1]), 6),
        "epochs": getattr(model, "n_iter_", 0),
        "r2": round(r2(model, test, mean), 6),
        "peak_gib": float("nan") if peak is None else round(peak / 1024, 3),
        "transform_seconds": round(transformed - fitted, 2),
        "fit_seconds": round(fitted - start, 2),
    }


if __name__ == "__main__":
    _process.answer(main)
