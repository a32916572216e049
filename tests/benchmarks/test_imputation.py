"""Hidden cells and codes for predictions, as problems."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import data, problems, runner
from benchmarks.cli import main
from benchmarks.problems import downstream, imputation
from benchmarks.problems._imputers import Indicators


def run(problem, library, name, k, seed=0):
    version = problems.rival(problem, library).version
    row = runner.run_cell(runner.Cell(problem, name, k, seed, library, version))
    assert row["error"] == ""
    assert set(row) <= set(runner.columns(problem))
    return row


def frame(rows, metrics):
    keys = ["library", "data", "k", "seed"]
    known = {"version": "1.0", "error": "", "n_train": 90, "n_test": 30, "p": 4, "fit_seconds": 1.0}
    table = [known | dict(zip(keys, row[:4], strict=True)) | row[4] for row in rows]
    return pd.DataFrame(table).reindex(columns=[*known, *keys, *metrics])


def test_a_fifth_of_the_cells_is_hidden():
    table = data.load_frame("digits", 0, 1000)
    shares = [imputation.hide(table, k, 0).mean() for k in range(3)]
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
    assert not imputation.hide(table, 1, 0).all(axis=0).any()
    assert (imputation.hide(table, 1, 0).sum(axis=0) == 0).sum() == 1  # the driver
    large = table["x20"].to_numpy() > table["x20"].median()
    hidden = imputation.hide(table, 2, 0)[:, table.columns.get_loc("x20")]
    assert hidden[large].mean() > hidden[~large].mean() + 0.1


def test_categories_come_back_from_indicators():
    table = pd.DataFrame(
        {"a": [1.0, np.nan, 3.0], "b": pd.Categorical(["u", None, "v"], categories=["u", "v"])}
    )
    indicators = Indicators(table)
    matrix = indicators.encode(table)
    np.testing.assert_array_equal(matrix, [[1, 1, 0], [np.nan, np.nan, np.nan], [3, 0, 1]])
    matrix[1] = [2, 0.4, 0.6]
    assert indicators.decode(matrix)["b"].tolist() == ["u", "v", "v"]


def test_the_mean_has_an_error_of_one_standard_deviation():
    row = run("imputation", "mean", "breast_cancer", 0)
    assert row["rmse"] == pytest.approx(1, abs=0.1)
    assert "coverage" not in row


def test_our_start_is_judged_with_its_draws():
    row = run("imputation", "start", "wine", 0)
    assert row["rmse"] < 0.9
    assert 0.7 < row["coverage"] <= 1


def test_imputation_report():
    value = {"coverage": 0.9, "coverage_new": 0.97, "cpu_seconds": 1.0}
    rows = [
        ("mean", "wine", 0, 0, {"rmse": 1.0, "rmse_new": 1.0, "accuracy": 0.5}),
        ("knn", "wine", 0, 0, {"rmse": 0.7, "rmse_new": 0.6, "accuracy": 0.7}),
        ("extra_trees", "wine", 0, 0, {"rmse": 0.5, "rmse_new": 0.9, "cpu_seconds": 1.5}),
        ("sklearn_ae", "wine", 0, 0, value | {"rmse": 0.6, "rmse_new": 0.66, "accuracy": 0.6}),
    ]
    text = imputation.report(frame(rows, imputation.METRICS))
    assert "mean 4.00, knn 3.00, sklearn_ae 2.00, extra_trees 1.00" in text
    assert "rmse at most 2 % above the better of mean and knn: 1 of 1 cells" in text
    assert "rmse_new at most 2 % above the better of mean and knn: 0 of 1 cells" in text
    assert "fails wine MCAR: 1.100" in text
    assert "accuracy above mean: 1 of 1 cells\naccuracy above knn: 0 of 1 cells" in text
    assert "coverage of 90 % intervals from 0.85 to 0.95: 1 of 1 cells" in text
    assert "coverage_new of 90 % intervals from 0.85 to 0.95: 0 of 1 cells" in text
    assert "processor seconds at most half of extra_trees: 0 of 1 fits" in text
    assert "| wine | 1.000 | 0.700 |" in imputation.report(
        frame(rows, imputation.METRICS), markdown=True
    )


def test_codes_predict_what_columns_do():
    raw = run("downstream", "raw", "breast_cancer", 0)
    codes = run("downstream", "pca", "breast_cancer", 8)
    assert raw["alone"] == raw["beside"] > 0.98
    assert codes["alone"] > 0.98
    assert codes["beside"] != raw["beside"]
    assert run("downstream", "nystroem", "breast_cancer", 4)["alone"] > 0.9


def test_downstream_report():
    rows = [
        ("raw", "wine", 0, 0, dict.fromkeys(downstream.METRICS, 0.9)),
        ("pca", "wine", 4, 0, dict.fromkeys(downstream.METRICS, 0.8)),
        ("pca", "wine", 8, 0, dict.fromkeys(downstream.METRICS, 0.7)),
        ("sklearn_ae", "wine", 4, 0, dict.fromkeys(downstream.METRICS, 0.75)),
        ("sklearn_ae", "wine", 8, 0, dict.fromkeys(downstream.METRICS, 0.85)),
    ]
    text = downstream.report(frame(rows, downstream.METRICS))
    assert "alone: better than pca at equal width in 1 of 2 cells" in text
    assert "not wine k=4: -0.0500" in text
    assert "both: 2 of 4 cells, 50% (bar 80%)" in text
    assert "worse on 1 of 1 sets; mean -0.0500" in text
    table = downstream.report(frame(rows, downstream.METRICS), markdown=True)
    assert "| wine | 0.900 | 0.800 | 0.850 | 0.800 | 0.850 |" in table


@pytest.mark.parametrize("problem", ["imputation", "downstream"])
def test_tracked_results_can_be_reported(problem, capsys):
    assert main(["report", problem]) == 0
    assert main(["report", problem, "--markdown"]) == 0
    assert "failed fits" not in capsys.readouterr().out
