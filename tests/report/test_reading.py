"""Files of tables are read as they stand there."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_ae.report import InputError, read_file
from sklearn_ae.report._columns import find_target, identifiers


def saved(tmp_path, text, name="table.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_out(tmp_path, separator):
    lines = [["a", "b", "a, b; or c"], ["1", "2.5", '"x, y; z"'], ["2", "", "w"]]
    lines[0][2] = f'"{lines[0][2]}"'
    frame = read_file(saved(tmp_path, "\n".join(map(separator.join, lines))))
    assert frame.columns.tolist() == ["a", "b", "a, b; or c"]
    assert frame["b"].tolist()[0] == 2.5
    assert frame["b"].isna().tolist() == [False, True]
    assert frame.iloc[0, 2] == "x, y; z"


def test_commas_before_decimals_or_thousands(tmp_path):
    german = read_file(saved(tmp_path, "a;b;c\n1,5;1.234,5;1.234\n-2;7,25;x\n;;\n"))
    np.testing.assert_array_equal(german["a"], [1.5, -2, np.nan])
    np.testing.assert_array_equal(german["b"], [1234.5, 7.25, np.nan])
    assert german["c"].tolist()[:2] == ["1.234", "x"]
    english = read_file(saved(tmp_path, 'a,b\n"1,234",2\n"12,345,678",3\n'))
    assert english["a"].tolist() == [1234, 12345678]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-02-01", "2024-12-31"], ["2024-02-01", "2024-12-31"]),
        (["2024-02-01T06:00:00Z", "2024-12-31 00:30"], ["2024-02-01 06:00", "2024-12-31 00:30"]),
        (["1.2.2024", "31.12.2024"], ["2024-02-01", "2024-12-31"]),
        (["02/01/2024", "12/31/2024"], ["2024-02-01", "2024-12-31"]),
        (["01/02/2024", "31/12/2024"], ["2024-02-01", "2024-12-31"]),
        (["01-Feb-2024", "31-Dec-2024"], ["2024-02-01", "2024-12-31"]),
    ],
)
def test_dates(tmp_path, cells, expected):
    frame = read_file(saved(tmp_path, "n;day\n1;" + "\n2;".join(cells) + "\n3;\n"))
    assert frame["day"].tolist()[:2] == [pd.Timestamp(day) for day in expected]
    assert pd.isna(frame["day"][2])


def test_what_looks_like_dates_and_is_text(tmp_path):
    frame = read_file(saved(tmp_path, "a,b\n99.99.2024,2024-01-01\n1.1.2024,soon\n"))
    assert frame["a"].tolist() == ["99.99.2024", "1.1.2024"]
    assert frame["b"].tolist() == ["2024-01-01", "soon"]


def test_booleans_infinity_blanks_and_encodings(tmp_path):
    text = "städte,ok,x\nKöln,True,inf\n  ,,2\nUlm,False,-inf\n"
    for encoding in ("utf-8-sig", "cp1252"):
        frame = read_file(saved(tmp_path, text, encoding=encoding))
        assert frame["städte"].tolist()[::2] == ["Köln", "Ulm"]
        assert frame["städte"].isna().tolist() == [False, True, False]
        assert frame["ok"].dtype == "boolean"
        assert frame["x"].isna().tolist() == [True, False, True]


def test_parquet(tmp_path):
    frame = pd.DataFrame({"a": [1.5, np.inf], "b": ["1,5", "2,5"], "c": ["x", None]})
    frame["day"] = [datetime.date(2024, 2, 1), None]
    frame["time"] = pd.to_datetime(["2024-02-01T01:00+01:00", "2024-06-01T00:00Z"], utc=True)
    frame["price"] = [Decimal("1.20"), None]
    frame.to_parquet(tmp_path / "table.parquet")
    read = read_file(tmp_path / "table.parquet")
    assert read["day"][0] == read["time"][0] == pd.Timestamp("2024-02-01")
    assert read["price"].dtype == float
    assert read["a"].isna().tolist() == [False, True]
    assert read["c"].isna().tolist() == [False, True]
    saved(tmp_path, "no parquet", "other.parquet")
    with pytest.raises(InputError, match=r"other\.parquet cannot be read as Parquet"):
        read_file(tmp_path / "other.parquet")


def test_columns_that_name_rows():
    n = 40
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "name": [f"n{i}" for i in range(n)],
            "customer_id": rng.permutation(n) // 2,
            "PassengerId": rng.permutation(10_000)[:n],
            "position": np.arange(5, n + 5),
            "price": rng.permutation(n),  # different numbers that are not in order
            "paid": rng.integers(0, 9, n),  # ends with id
            "ticket": [f"t{i // 2}" for i in range(n)],
            "day": pd.date_range("2024-01-01", periods=n),
            "weight": rng.normal(size=n),
        }
    )
    assert set(identifiers(frame)) == {"name", "customer_id", "PassengerId", "position"}


def test_targets():
    n = 30
    frame = pd.DataFrame(
        {
            "kind": ["a", "b", "c"] * 9 + ["d", None, "a"],
            "stars": np.r_[np.tile([1.0, 2.0, np.nan], 10)],
            "price": np.arange(n) / 7,
            "same": ["x"] * n,
            "empty": [np.nan] * n,
            "code": [f"c{i}" for i in range(n)],
        }
    )
    kind = find_target(frame, "kind", 3)
    assert kind.task == "classification"
    assert set(kind.y) == {"a", "b", "c"}
    assert len(kind.notes) == 2
    assert kind.rows.sum() == len(kind.y) == 28
    assert set(find_target(frame, "stars", 3).y) == {"1", "2"}
    assert find_target(frame, "price", 3).task == "regression"
    for name, words in {
        "same": "one value only",
        "empty": "no value in any row",
        "code": "fewer than two of them in 3 rows or more",
        "Prize": "did you mean 'price'",
        "zzzzzz": "the columns are kind, stars",
    }.items():
        with pytest.raises(InputError, match=words):
            find_target(frame, name, 3)
