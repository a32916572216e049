"""Columns in which fit saw no value: kept in every estimator, and never read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.data import Table

pytestmark = pytest.mark.usefixtures("few_folds")

N = 40
SHORT = {"max_iter": 2, "hidden_layer_sizes": (4,), "random_state": 0}
GROUP = np.random.default_rng(0).integers(0, 3, N)
FULL = pd.DataFrame(
    {"x": GROUP + np.linspace(0, 1, N), "y": GROUP * 2.0, "t": np.array(["a", "b", "c"])[GROUP]}
)
# What has no value in fit, and what it holds later.
COLUMNS: dict[str, tuple[pd.Series, Any]] = {
    "float": (pd.Series(np.nan, index=range(N)), 100.0),
    "Int64": (pd.Series(pd.NA, index=range(N), dtype="Int64"), 7),
    "boolean": (
        pd.Series(pd.NA, index=range(N), dtype="boolean"),
        pd.array([True] * N, dtype="boolean"),
    ),
    "object": (pd.Series(None, index=range(N), dtype=object), ["u", "v"] * (N // 2)),
    "object of numbers": (pd.Series(None, index=range(N), dtype=object), [1] * N),
    "str": (pd.Series(None, index=range(N), dtype="string"), ["u", "v"] * (N // 2)),
    "category": (pd.Series(pd.Categorical([None] * N)), pd.Categorical(["u", "v"] * (N // 2))),
    "levels": (
        pd.Series(pd.Categorical([None] * N, categories=["u", "v"])),
        pd.Categorical(["u", "v"] * (N // 2)),
    ),
    "ordered": (
        pd.Series(pd.Categorical([None] * N, categories=["u", "v"], ordered=True)),
        pd.Categorical(["u", "v"] * (N // 2), ordered=True),
    ),
    "datetime": (pd.Series(pd.NaT, index=range(N), dtype="datetime64[us]"), pd.Timestamp("2020")),
}
EVERY = pytest.mark.parametrize(("column", "later"), COLUMNS.values(), ids=COLUMNS)


@EVERY
@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(1, **SHORT),
        Autoencoder(1, numeric_map="quantile", **SHORT),
        DenoisingAutoencoder(1, **SHORT),
        VariationalAutoencoder(1, **SHORT),
    ],
    ids=lambda e: type(e).__name__ + str(e.numeric_map or ""),
)
def test_cells_of_an_empty_column_are_not_read(
    estimator: Autoencoder, column: pd.Series, later: Any
) -> None:
    frame = FULL.assign(empty=column)
    fitted = estimator.fit(frame)
    new = FULL.assign(empty=later)
    new.loc[3, "empty"] = None
    codes = fitted.transform(new)
    assert_array_equal(codes, fitted.transform(frame))
    assert_array_equal(fitted.score_samples(new), fitted.score_samples(frame))
    errors = fitted.reconstruction_errors(new)
    assert errors["empty"].isna().all()
    assert errors.drop(columns="empty").notna().all(axis=None)
    for i in range(4):
        assert np.abs(fitted.transform(new[i : i + 1]) - codes[i]).max() < 1e-5
    rebuilt = fitted.reconstruct(new)
    assert rebuilt["empty"].dtype == column.dtype
    zero = {"float64": 0, "Int64": 0, "boolean": False}.get(str(column.dtype))
    if zero is None:
        assert rebuilt["empty"].isna().all()
    else:
        assert (rebuilt["empty"] == zero).all()
    if isinstance(fitted, VariationalAutoencoder):
        drawn = fitted.sample(3, random_state=0)
        assert drawn["empty"].isna().all()
        assert drawn["empty"].dtype == column.dtype


@pytest.mark.parametrize(
    "convert",
    [np.asarray, pd.DataFrame, np.ndarray.tolist, torch.from_numpy],
    ids=["array", "frame", "list", "tensor"],
)
def test_an_empty_column_of_a_matrix_is_not_read(convert: Any) -> None:
    X = np.c_[FULL[["x", "y"]].to_numpy(), np.full(N, np.nan)]
    later = X.copy()
    later[:, 2] = 1e3
    fitted = Autoencoder(1, **SHORT).fit(convert(X))
    for method in ("transform", "score_samples", "reconstruct"):
        found = np.asarray(getattr(fitted, method)(convert(later)))
        assert_array_equal(found, np.asarray(getattr(fitted, method)(convert(X))))
    assert_array_equal(np.asarray(fitted.reconstruct(convert(later)))[:, 2], 0.0)
    assert (later[:, 2] == 1e3).all()
    detector = AutoencoderOutlierDetector(Autoencoder(1, **SHORT), n_estimators=2, random_state=0)
    detector.fit(convert(X))
    assert_array_equal(detector.score_samples(convert(later)), detector.score_samples(convert(X)))


def test_refitting_reads_a_column_that_has_values_now() -> None:
    X = np.c_[FULL[["x", "y"]].to_numpy(), np.full(N, np.nan)]
    full = np.nan_to_num(X, nan=1.0) + np.eye(N, 3)
    fitted = Autoencoder(1, **SHORT).fit(X).fit(full)
    assert_array_equal(fitted.transform(full), Autoencoder(1, **SHORT).fit(full).transform(full))


def test_a_table_without_any_value_is_refused() -> None:
    frame = pd.DataFrame({"a": pd.Categorical([None] * N), "b": [pd.NaT] * N})
    with pytest.raises(ValueError, match=r"X has 2 columns, and none of them holds a value"):
        Autoencoder(1, **SHORT).fit(frame)


def test_an_empty_column_is_empty_whatever_it_is_called() -> None:
    frame = FULL.assign(empty=np.nan)
    adapter = Table(categorical_features=[False, False, True, True]).fit(frame)
    assert adapter.columns is not None
    assert [column.kind for column in adapter.columns.columns][-1] == "empty"


# Names


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    "estimator",
    [Autoencoder(1, **SHORT), AutoencoderImputer(max_iter=1), AutoencoderOutlierDetector()],
    ids=lambda e: type(e).__name__,
)
def test_columns_of_one_name_are_refused_by_it(estimator: Any, text: bool, library: str) -> None:
    frame = FULL if text else FULL[["x", "y", "y"]]
    if library == "pyarrow":
        pyarrow = pytest.importorskip("pyarrow")
        arrays = [pyarrow.array(frame.iloc[:, j]) for j in range(3)]
        twice = pyarrow.Table.from_arrays(arrays, names=["a", "b", "a"])
    else:
        twice = frame.set_axis(["a", "b", "a"], axis=1)
    with pytest.raises(ValueError, match=r"X has several columns with the name 'a'; rename them"):
        estimator.fit(twice)


def test_columns_of_one_name_are_refused_at_predict() -> None:
    fitted = Autoencoder(1, **SHORT).fit(FULL)
    twice = FULL.set_axis(["x", "x", "t"], axis=1)
    with pytest.raises(ValueError, match=r"X has several columns with the name 'x'"):
        fitted.transform(twice)
