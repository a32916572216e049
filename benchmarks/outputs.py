"""Outputs of some thirty fits, saved by one version and compared by another.

python -m benchmarks.outputs save before.npz
python -m benchmarks.outputs compare before.npz
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

import sklearn_ae as ae

Arrays = dict[str, NDArray]


def _iris() -> NDArray:
    return datasets.load_iris().data


def _cancer() -> NDArray:
    return StandardScaler().fit_transform(datasets.load_breast_cancer().data)


def _digits(n: int = 1797) -> NDArray:
    return datasets.load_digits().data[:n]


def _waves() -> NDArray:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2400, 3))
    return np.hstack([x, np.sin(2 * x), x[:, :1] * x[:, 1:]]) + 0.1 * rng.standard_normal((2400, 8))


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(1200)
    frame = pd.DataFrame({"a": x, "b": x**2 + rng.normal(size=1200), "c": rng.poisson(3, 1200)})
    frame["kind"] = pd.Categorical(np.where(x > 0.5, "high", np.where(x < -0.5, "low", "mid")))
    frame["flag"] = x + rng.normal(size=1200) > 0
    frame.loc[::17, "a"] = np.nan
    return frame


def _sequences(equal: bool) -> Any:
    rng = np.random.default_rng(3)
    lengths = np.full(150, 14) if equal else rng.integers(8, 20, 150)
    found = [np.sin(np.arange(n) / 3 + rng.normal())[:, None] for n in lengths]
    return np.stack(found) if equal else found


def _with_gaps(X: NDArray) -> NDArray:
    X = X.astype(float)
    X[np.random.default_rng(4).random(X.shape) < 0.1] = np.nan
    return X


def _fits() -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Fitted estimators with the rows that they are shown, by name."""
    rng = np.random.default_rng(0)
    weight = rng.random(1797)
    short = {"max_iter": 8, "random_state": 0}

    def of(estimator: Any, X: Any, **given: Any) -> Callable[[], tuple[Any, Any]]:
        return lambda: (estimator.fit(X, **given), X)

    def streamed() -> tuple[Any, Any]:
        X = _waves()
        model = ae.Autoencoder(3, random_state=0)
        for part in np.array_split(X, 4):
            model.partial_fit(part)
        return model, X

    def warm() -> tuple[Any, Any]:
        X = _waves()
        model = ae.Autoencoder(3, warm_start=True, **short).fit(X)
        return model.fit(X), X

    noisy = _waves() + rng.normal(scale=0.4, size=_waves().shape)
    counts = rng.poisson(2, (1200, 12)).astype(float)
    text = sparse.random_array((1500, 300), density=0.02, rng=1, format="csr")
    return {
        "plain_iris": of(ae.Autoencoder(2, random_state=0), _iris()),
        "plain_cancer": of(ae.Autoencoder(4, random_state=1), _cancer()),
        "plain_digits": of(ae.Autoencoder(8, max_iter=15, random_state=0), _digits()),
        "plain_waves": of(ae.Autoencoder(3, random_state=0), _waves()),
        "plain_float32": of(ae.Autoencoder(3, **short), _waves().astype(np.float32)),
        "weights": of(ae.Autoencoder(8, **short), _digits(), sample_weight=weight),
        "missing": of(ae.Autoencoder(4, **short), _with_gaps(_cancer())),
        "random_init": of(ae.Autoencoder(3, init="random", **short), _waves()),
        "no_stopping": of(ae.Autoencoder(3, early_stopping=False, **short), _waves()),
        "start_alone": of(ae.Autoencoder(5, max_iter=0, random_state=0), _digits()),
        "tied_huber": of(
            ae.Autoencoder(3, tied_weights=True, loss="huber", dropout=0.1, **short), _waves()
        ),
        "batch_norm_l1": of(
            ae.Autoencoder(3, normalization="batch", l1=1e-4, deep_features=True, **short), _waves()
        ),
        "wide_batches": of(
            ae.Autoencoder(3, batch_size=1024, hidden_layer_sizes=(512, 256), **short), _waves()
        ),
        "streamed": streamed,
        "warm": warm,
        "bernoulli": of(ae.Autoencoder(6, loss="bernoulli", **short), _digits() / 16),
        "poisson": of(ae.Autoencoder(3, loss="poisson", **short), counts),
        "frame": of(ae.Autoencoder(2, **short), _frame()),
        "sparse_rows": of(ae.Autoencoder(4, **short), text),
        "sparse_kl": of(ae.SparseAutoencoder(40, **short), _cancer()),
        "sparse_topk": of(ae.SparseAutoencoder(32, penalty="topk", **short), _digits()),
        "sparse_l1": of(ae.SparseAutoencoder(32, penalty="l1", **short), _waves()),
        "denoising": of(ae.DenoisingAutoencoder(**short), _waves()),
        "denoising_pairs": of(ae.DenoisingAutoencoder(**short), noisy, X_clean=_waves()),
        "masking": of(ae.DenoisingAutoencoder(corruption=ae.MaskingNoise(), **short), _cancer()),
        "contractive": of(ae.ContractiveAutoencoder(3, **short), _waves()),
        "variational": of(ae.VariationalAutoencoder(4, random_state=0), _waves()),
        "variational_small": of(ae.VariationalAutoencoder(2, random_state=0), _iris()),
        "variational_frame": of(ae.VariationalAutoencoder(3, **short), _frame()),
        "stacked": of(ae.StackedAutoencoder(2, **short), _waves()),
        "convolutional": of(
            ae.ConvolutionalAutoencoder(8, max_iter=3, random_state=0),
            datasets.load_digits().images,
        ),
        "recurrent": of(ae.RecurrentAutoencoder(3, **short), _sequences(True)),
        "recurrent_ragged": of(ae.RecurrentAutoencoder(3, **short), _sequences(False)),
        "detector": of(
            ae.AutoencoderOutlierDetector(
                ae.Autoencoder(3, max_iter=8), n_estimators=3, random_state=0
            ),
            _cancer(),
        ),
        "feature_selector": of(ae.AutoencoderFeatureSelector(5, random_state=0), _cancer()),
        "imputer": of(ae.AutoencoderImputer(random_state=0), _with_gaps(_iris())),
        "imputer_frame": of(ae.AutoencoderImputer(random_state=0), _frame()),
        "super_resolver": of(
            ae.SuperResolver(max_iter=3, random_state=0), datasets.load_digits().images[:400]
        ),
    }


def _numbers(values: Any) -> NDArray:
    """One array of numbers of whatever a method returns."""
    if isinstance(values, pd.DataFrame):
        kept = [values[c] for c in values]
        kept = [c if c.dtype.kind in "iufb" else c.astype("str").map(hash_text) for c in kept]
        return np.stack([np.asarray(c, dtype=float) for c in kept], axis=1)
    if isinstance(values, list):
        return np.concatenate([np.ravel(v) for v in values])
    return np.asarray(values)


def hash_text(text: str) -> float:
    """A number for a text, the same in each process."""
    return float(sum((i + 1) * ord(c) for i, c in enumerate(text)))


def outputs(estimator: Any, X: Any) -> Arrays:
    """What the methods of a fitted estimator say of rows."""
    found: Arrays = {}
    for method in ("transform", "reconstruct", "score_samples", "reconstruction_errors", "predict"):
        function = getattr(estimator, method, None)
        if function is not None:
            found[method] = _numbers(function(X))
    if hasattr(estimator, "sample"):
        found["sample"] = _numbers(estimator.sample(5, random_state=0))
    for name in ("offset_", "explained_variance_ratio_", "loss_curve_", "validation_loss_curve_"):
        if hasattr(estimator, name):
            found[name] = np.asarray(getattr(estimator, name))
    return found


def collect(only: str) -> Arrays:
    """Fit all whose names hold a text, and return what each says as `fit/method`."""
    found: Arrays = {}
    for name, fit in _fits().items():
        if only in name:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found |= {f"{name}/{k}": v for k, v in outputs(*fit()).items()}
    return found


def _compared(name: str, before: NDArray, now: NDArray | None) -> str:
    """One line on how an output differs; empty if it does not."""
    if now is None:
        return f"{name}: gone"
    if before.shape != now.shape:
        return f"{name}: shape {before.shape}, now {now.shape}"
    if np.array_equal(before, now, equal_nan=True):
        return ""
    scale = max(float(np.nanmax(np.abs(before), initial=0.0)), 1e-300)
    return f"{name}: differs by {float(np.nanmax(np.abs(before - now))) / scale:.1e}, relatively"


def main() -> None:
    """Save or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["save", "compare"])
    parser.add_argument("file")
    parser.add_argument("--only", default="", help="fits whose names hold this text")
    given = parser.parse_args()
    found = collect(given.only)
    if given.action == "save":
        np.savez_compressed(given.file, **found)
        print(f"{len(found)} outputs saved")
        return
    with np.load(given.file) as saved:
        before = {name: saved[name] for name in saved.files if given.only in name.split("/")[0]}
    lines = [_compared(name, value, found.get(name)) for name, value in before.items()]
    different = [line for line in lines if line]
    print("\n".join(different))
    print(f"{len(lines) - len(different)} of {len(lines)} outputs are equal bit for bit")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
