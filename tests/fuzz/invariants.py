"""What holds for every estimator on any rows, or is refused in words.

`check` raises a `Violation`, or returns whether the example was fitted.
"""

from __future__ import annotations

import copy
import pickle
import random
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import _num_samples

import sklearn_ae
from sklearn_ae import (
    AbsoluteError,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    ContractiveAutoencoder,
    Deterministic,
    DomainAdaptationTransformer,
    GraphAdaptedClassifier,
    ManifoldAutoencoder,
    SquaredError,
    SuperResolver,
    TimeSeriesOutlierDetector,
)
from sklearn_ae.losses import LOSSES
from tests.fuzz.strategies import Example, Matrix, Sequences

# That of scikit-learn's check_methods_subset_invariance, as a share of the largest answer.
# Rows of float32 are answered in float32.
TOLERANCE = {"float64": 1e-7, "float32": 1e-3}
TABLES_ALONE = (
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    DomainAdaptationTransformer,
    GraphAdaptedClassifier,
    ManifoldAutoencoder,
    TimeSeriesOutlierDetector,
)
ERRORS = ("score_samples", "reconstruction_errors")
# What is answered in float32; pixels of whole numbers are shares of the largest.
SINGLE = (np.float32, np.uint8, np.uint16)
FACTOR = 2.0**5
OWN = Path(sklearn_ae.__file__).parent
VALIDATION = Path(sklearn.__file__).parent / "utils"
WAY_OUT = re.compile(
    r"\b(use|leave|pass|set|give|put|cut|pad|resize|convert|keep|fit|drop|remove|call|try|encode|"
    r"map|reduce|lower|scale|choose|take|build|list|impute|fill|must be|should be|is required)\b",
    re.IGNORECASE,
)
VALUE = re.compile(r"\d|'|\"|=|None|NaN|infinity")

Answers = dict[str, Any]


class Violation(AssertionError):
    """An invariant that does not hold."""


def require(holds: bool, message: str) -> None:
    """Raise a Violation where something does not hold."""
    if not holds:
        raise Violation(message)


# Errors


def is_own(error: BaseException) -> bool:
    """Whether our code raised an error, or scikit-learn's validation that our code called."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    while files and VALIDATION in files[-1].parents:
        files.pop()
    return bool(files) and OWN in files[-1].parents


def told(error: BaseException) -> str:
    """An error and where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


def check_refusal(error: Exception) -> None:
    """Check that an error is one of ours that names the value and the way out.

    A loss that stays infinite is a FloatingPointError, as `fit` documents.
    """
    text = told(error)
    require(isinstance(error, (ValueError, TypeError, FloatingPointError)), f"raw {text}")
    require(is_own(error), f"raw {text}")
    if VALIDATION in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parents:
        return  # scikit-learn's words
    require(bool(VALUE.search(str(error))), f"names no value: {text}")
    require(bool(WAY_OUT.search(str(error))), f"names no way out: {text}")


# What is around a fit


def state_of_globals() -> dict[str, Any]:
    """Return what no estimator may touch."""
    legacy = np.random.get_state()  # noqa: NPY002
    return {
        "numpy's generator": (legacy[1].tobytes(), *legacy[2:]),
        "Python's generator": random.getstate(),
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "torch's threads": torch.get_num_threads(),
        "torch's dtype": torch.get_default_dtype(),
        "torch's gradients": torch.is_grad_enabled(),
        "scikit-learn's configuration": sklearn.get_config(),
        "numpy's error state": np.geterr(),
        "filters of warnings": list(warnings.filters),
    }


@contextmanager
def guarded(name: str, *inputs: Any) -> Iterator[None]:
    """Check that globals and inputs are afterwards as they were."""
    before, kept = state_of_globals(), copy.deepcopy(inputs)
    try:
        yield
    finally:
        after = state_of_globals()
    for what, value in before.items():
        require(after[what] == value, f"{name} changes {what}")
    require(equal(list(inputs), list(kept)), f"{name} changes its input")


# Answers


def parts(values: Any) -> Iterator[np.ndarray]:
    """Yield arrays of numbers, or of objects where values are none."""
    if isinstance(values, (list, tuple)):
        for part in values:
            yield from parts(part)
    elif isinstance(values, pd.DataFrame):
        for i in range(values.shape[1]):
            yield from parts(values.iloc[:, i])
    elif isinstance(values, pd.Series):
        numeric = pd.api.types.is_numeric_dtype(values.dtype)
        numeric = numeric and not pd.api.types.is_complex_dtype(values.dtype)
        yield (
            values.to_numpy(dtype="float64", na_value=np.nan)
            if numeric
            else values.to_numpy(dtype=object)
        )
    elif hasattr(values, "toarray"):
        yield values.toarray()
    else:
        yield np.asarray(values)


def same_part(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays are equal; with a tolerance, as a share of each column's largest."""
    if a.shape != b.shape:
        return False
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return bool(np.all((a == b) | (pd.isna(a) & pd.isna(b))))
    if tolerance == 0:
        return bool(np.array_equal(a, b, equal_nan=True))
    a, b = a.astype(float), b.astype(float)
    scale = np.nanmax(np.abs(b), axis=0, initial=0, keepdims=True) if b.ndim else np.abs(b)
    scale = np.where(np.isfinite(scale), scale, 0)
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= tolerance * scale
    return bool(np.all(close | (a == b) | (np.isnan(a) & np.isnan(b))))


def equal(a: Any, b: Any, tolerance: float = 0.0) -> bool:
    """Whether two answers are equal, in any container."""
    left, right = list(parts(a)), list(parts(b))
    if len(left) != len(right):
        return False
    return all(same_part(x, y, tolerance) for x, y in zip(left, right, strict=True))


def n_of(X: Any, rows: Any) -> int:
    """Number of rows; of a long frame, of its sequences."""
    return rows.n_rows if isinstance(rows, Sequences) else len(X)


def take(X: Any, index: np.ndarray, rows: Any) -> Any:
    """Return some rows of what a user holds."""
    if isinstance(rows, Sequences) and rows.form == "long":
        return pd.concat([X[X["id"] == i] for i in index], ignore_index=True)
    if isinstance(X, pd.DataFrame):
        return X.iloc[index]
    return [X[i] for i in index] if isinstance(X, list) else X[index]


def answer(estimator: BaseEstimator, X: Any, draws: bool = False) -> Answers:
    """Return all that an estimator says about rows."""
    if isinstance(estimator, SuperResolver):
        return {"predict": estimator.predict(X)}
    if isinstance(estimator, AutoencoderFeatureSelector):
        return {"inverse_transform": estimator.inverse_transform(estimator.transform(X))}
    if isinstance(estimator, AutoencoderRecommender):
        scores = estimator.predict_scores(X)
        return {"scores": scores, "items": estimator.recommend(X, 2)}
    if isinstance(estimator, GraphAdaptedClassifier):
        return {"proba": estimator.predict_proba(X), "predict": estimator.predict(X)}
    if isinstance(estimator, ManifoldAutoencoder):
        methods = ("transform", "reconstruct", "score_samples")
        return {name: getattr(estimator, name)(X) for name in methods}
    if isinstance(estimator, (AutoencoderImputer, DomainAdaptationTransformer)):
        return {"transform": estimator.transform(X)}
    if isinstance(estimator, AutoencoderClassifier):
        return {"transform": estimator.transform(X), "proba": estimator.predict_proba(X)}
    if isinstance(estimator, AutoencoderRegressor):
        return {"transform": estimator.transform(X), "predict": estimator.predict(X)}
    found = {"score_samples": estimator.score_samples(X), "predict": estimator.predict(X)}
    if isinstance(estimator, (AutoencoderOutlierDetector, TimeSeriesOutlierDetector)):
        return found
    found["transform"] = estimator.transform(X)
    found["reconstruct"] = estimator.reconstruct(X)
    found["reconstruction_errors"] = estimator.reconstruction_errors(X)
    if draws and hasattr(estimator, "sample"):
        found["sample"] = estimator.sample(3, random_state=0)
    return found


def answers(estimator: BaseEstimator, X: Any, name: str, **options: bool) -> Answers:
    """Return all answers; rows that `fit` took are not refused later."""
    try:
        with guarded(name, X):
            return answer(estimator, X, **options)
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"{name} fails after fit: {told(error)}") from error


def holes_of(X: Any) -> list[np.ndarray]:
    """Where cells are missing, in each part of what a user holds."""
    return [np.asarray(pd.isna(part)) for part in parts(X)]


# Invariants


def check_finite(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """No NaN and no infinity, but in errors of missing cells, and in kept cells that are."""
    # Columns without any value are dropped or kept by the imputer; holes in words may stay.
    for name, values in found.items():
        holes = holes_of(X) if name in ("reconstruction_errors", "inverse_transform") else None
        listed = list(parts(values))
        if holes is not None and isinstance(X, pd.DataFrame):
            holes = [np.column_stack(holes)] if len(listed) == 1 else holes
        for i, part in enumerate(listed):
            if part.dtype.kind != "f":
                continue
            bad = ~np.isfinite(part)
            if holes is not None:
                shapes = len(holes) == len(listed) and holes[i].shape == part.shape
                bad = bad & ~holes[i] if shapes else np.isinf(part)
            require(not bad.any(), f"{name} holds {part[bad][:3]}")


def check_rows(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """A row alone is answered as in company, and in any order."""
    if getattr(fitted, "sample_posterior", False):
        return  # draws depend on the position
    if isinstance(fitted, TimeSeriesOutlierDetector):
        return  # a step is scored among its neighbours
    n = n_of(X, example.rows)
    backwards = np.arange(n)[::-1]
    orders = {"alone": np.array([n // 2]), "in another order": backwards}
    for order, index in orders.items():
        part = answers(fitted, take(X, index, example.rows), f"one row {order}")
        for name, values in found.items():
            if name not in part:
                continue
            whole = by_row(values, index, X, n)
            tolerance = tolerance_of(example, found)
            slack = 0.0
            if name in ERRORS and in_single(X):
                slack = rounding_of(example, X, values)[index]
            require(
                close_rows(part[name], whole, values, tolerance, slack),
                f"{name} of rows {order} differs from that in company",
            )


def in_single(X: Any) -> bool:
    """Whether rows of one size are answered in float32."""
    return getattr(X, "dtype", None) in SINGLE


def rounding_of(example: Example, X: Any, errors: np.ndarray) -> np.ndarray:
    """How far errors of rows or cells in float32 are known, where a reconstruction is exact.

    A reconstruction is known up to d, the rounding of the row's distance from the mean, so that
    a squared error e is known up to 2 sqrt(e) d + d^2, and an absolute one up to d. Huber's loss
    is nowhere steeper than the square.
    """
    # A detector's scores are those of the estimator that it holds.
    held = getattr(example.estimator, "estimator", None) or example.estimator
    loss = getattr(held, "loss", None)
    power = getattr(LOSSES[loss] if isinstance(loss, str) else loss, "power", None)
    rows = X.reshape(len(X), -1) / (1.0 if X.dtype.kind == "f" else np.iinfo(X.dtype).max)
    rows = rows.astype(float)
    away = np.nan_to_num(rows - np.nanmean(rows, axis=0))
    d = np.finfo(np.float32).eps * (np.linalg.norm(away, axis=1) + np.linalg.norm(away.std(axis=0)))
    d = d.reshape(-1, *[1] * (errors.ndim - 1))
    if power == 2:
        return 2 * np.sqrt(np.abs(errors)) * d + d**2
    return d * np.sqrt(rows.shape[1]) if power == 1 else 0 * d


def tolerance_of(example: Example, found: Answers) -> float:
    """Tolerance by the precision of rows and of answers: images of bytes have float32 codes."""
    dtypes = {str(part.dtype) for values in found.values() for part in parts(values)}
    single = getattr(example.rows, "dtype", None) == "float32" or "float32" in dtypes
    return TOLERANCE["float32" if single else "float64"]


def by_row(values: Any, index: np.ndarray, X: Any, n: int) -> Any:
    """Return the answers of some rows, whatever holds them; of a long frame, of their steps."""
    if len(values) != n:
        index = np.concatenate([np.flatnonzero(X["id"] == i) for i in index])
    if isinstance(values, pd.DataFrame):
        return values.iloc[index]
    return [values[i] for i in index] if isinstance(values, list) else values[index]


def close_rows(part: Any, whole: Any, values: Any, tolerance: float, slack: Any = 0.0) -> bool:
    """Whether some rows are equal, as a share of the largest answer of all rows, up to a slack."""
    largest = [np.nanmax(np.abs(p), initial=0) for p in parts(values) if p.dtype.kind in "fiu"]
    scale = max(largest, default=0)
    for a, b in zip(parts(part), parts(whole), strict=True):
        if a.shape != b.shape:
            return False
        if a.dtype.kind != "f":
            continue  # a category, or a side of a threshold, may hang on the last bit
        off = np.abs(a - b) > tolerance * (np.abs(b) + scale) + slack
        if (off | (np.isnan(a) != np.isnan(b))).any():
            return False
    return True


def check_again(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """A second fit is equal bit for bit."""
    with quiet():
        again = fit(clone(example.estimator), X, example.build_weights())
    same(found, answers(again, X, "a second fit", draws=True), "of a second fit")


def check_pickle(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """What was pickled answers bit for bit."""
    loaded = pickle.loads(pickle.dumps(fitted))
    same(found, answers(loaded, X, "what was pickled", draws=True), "of what was pickled")


def check_skops(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """What skops keeps answers bit for bit; a part of the examples, as it is slow."""
    if example.rows.seed % 10:
        return
    from skops import io

    data = io.dumps(fitted)
    loaded = io.loads(data, trusted=io.get_untrusted_types(data=data))
    same(found, answers(loaded, X, "what skops kept", draws=True), "of what skops kept")


def same(a: Answers, b: Answers, whose: str) -> None:
    """Require equal answers, bit for bit."""
    for name in a:
        require(equal(a[name], b[name]), f"{name} {whose} differs")


def check_scale(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """A factor that is a power of two scales reconstructions, and squared errors twice."""
    rows, estimator = example.rows, example.estimator
    if not isinstance(rows, Matrix) or rows.domain != "real" or rows.dtype not in TOLERANCE:
        return
    if isinstance(estimator, TABLES_ALONE):
        return
    powers = {"squared_error": 2, SquaredError: 2, "absolute_error": 1, AbsoluteError: 1}
    loss = estimator.loss if isinstance(estimator.loss, str) else type(estimator.loss)
    if loss not in powers or estimator.numeric_map is not None:
        return
    with quiet():
        scaled = fit(clone(estimator), FACTOR * X, example.build_weights())
    other = answers(scaled, FACTOR * X, "a scaled fit")
    # Scales add up in another order of magnitude; powers of two round alike.
    expected = {"reconstruct": FACTOR, "score_samples": FACTOR ** powers[loss]}
    for name, factor in expected.items():
        require(
            equal(other[name], factor * found[name], TOLERANCE[rows.dtype]),
            f"{name} of {FACTOR:g} X is not {factor:g} times that of X",
        )


def check_columns(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """At the start, permuted columns give permuted answers.

    Components of equal variance have no order, and the drawing of random weights and of k-means
    does: continuous columns and linear codes only.
    """
    rows, estimator = example.rows, example.estimator
    linear = (Autoencoder, ContractiveAutoencoder)
    if type(estimator) not in linear or not isinstance(rows, Matrix) or estimator.max_iter != 0:
        return
    latent = estimator.latent is None or isinstance(estimator.latent, Deterministic)
    loss = estimator.loss == "squared_error" or isinstance(estimator.loss, SquaredError)
    forms = {form for form, _ in rows.columns}
    powers = [power for _, power in rows.columns]
    continuous = forms <= {"normal", "heavy"} and max(powers) - min(powers) <= 2
    if not (latent and loss and continuous and estimator.init == "pca" and len(X) > 3):
        return
    if rows.dtype not in TOLERANCE or rows.domain != "real" or estimator.numeric_map is not None:
        return
    order = np.random.default_rng(0).permutation(X.shape[1])
    with quiet():
        permuted = fit(clone(estimator), X[:, order], example.build_weights())
    other = answers(permuted, X[:, order], "permuted columns")
    tolerance = 10 * TOLERANCE[rows.dtype]
    scale = np.abs(X).max()
    off = np.abs(other["reconstruct"] - found["reconstruct"][:, order]).max()
    require(off <= tolerance * scale, "permuted columns do not give a permuted reconstruction")


def check_reasons(example: Example, fitted: BaseEstimator, X: Any, found: Answers) -> None:
    """Shares of reasons are parts of one; a row alone has the first one that it has in company."""
    if not hasattr(fitted, "explain") or isinstance(fitted, AutoencoderRecommender):
        return
    few = np.arange(min(4, n_of(X, example.rows)))
    with guarded("explain", X):
        reasons = fitted.explain(take(X, few, example.rows), 2)
        alone = fitted.explain(take(X, few[-1:], example.rows), 1)
    share = reasons["share"].to_numpy()
    parts_of_one = np.isfinite(share).all() and (share > 0).all()
    require(bool(parts_of_one), f"shares of reasons are {share}")
    require((np.bincount(reasons["row"], share) < 1 + 1e-9).all(), f"they add up to {share}")
    if in_single(X) and "score_samples" in found:
        scores = found["score_samples"]
        if (np.abs(scores) <= rounding_of(example, X, scores))[few[-1]]:
            return  # rebuilt but for rounding, which has no reason
    first = reasons[reasons["row"] == few[-1]][:1]
    require(len(first) == len(alone), "a row alone has another number of reasons")
    require(
        np.allclose(alone["share"], first["share"], atol=1e-4),
        "the reason of a row alone differs from that in company",
    )


INVARIANTS: tuple[Callable[[Example, BaseEstimator, Any, Answers], None], ...] = (
    check_finite,
    check_rows,
    check_again,
    check_pickle,
    check_skops,
    check_scale,
    check_columns,
    check_reasons,
)


@contextmanager
def quiet() -> Iterator[None]:
    """Let warnings in words pass; those of numbers are errors, as nobody can act on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        yield


def fit(estimator: BaseEstimator, X: Any, weights: np.ndarray | None) -> BaseEstimator:
    """Fit, with weights if there are any."""
    y, given = None, {} if weights is None else {"sample_weight": weights}
    row = np.arange(_num_samples(X))
    if isinstance(estimator, (AutoencoderClassifier, AutoencoderRegressor, GraphAdaptedClassifier)):
        y = np.where(row % 4, row % 5 % 3, -1 if isinstance(estimator, ClassifierMixin) else np.nan)
    if isinstance(estimator, (DomainAdaptationTransformer, GraphAdaptedClassifier)):
        given["sample_domain"] = np.where(row % 3, 1, -1)
    return estimator.fit(X, y, **given)


def check(example: Example) -> bool:
    """Check all invariants of an example.

    Returns
    -------
    fitted : bool
        False where it was refused in words.
    """
    X, weights = example.rows.build(), example.build_weights()
    estimator = clone(example.estimator)
    untouched = set(vars(estimator))
    with quiet():
        try:
            with guarded("fit", X, weights):
                fit(estimator, X, weights)
        except Violation:
            raise
        except Exception as error:
            check_refusal(error)
            learned = {name for name in set(vars(estimator)) - untouched if name.endswith("_")}
            require(not learned, f"a fit that fails leaves {sorted(learned)}")
            return False
        require(repr(estimator) == repr(clone(example.estimator)), "fit changes parameters")
        found = answers(estimator, X, "answering", draws=True)
        for invariant in INVARIANTS:
            try:
                invariant(example, estimator, X, found)
            except Violation:
                raise
            except Exception as error:
                raise Violation(f"{invariant.__name__}: {told(error)}") from error
    return True
