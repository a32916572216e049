"""Sparse rows: what is drawn, and what a process of its own measures."""

import numpy as np
import pytest

from benchmarks import data, made, problems, runner
from benchmarks.problems import sparse


def test_rows_are_sparse_and_of_low_rank():
    train, test = made.sparse_rows(400, 2400, 0)
    assert data.shape("sparse/400x2400") == train.shape == (400, 2400)
    assert test.shape == (100, 2400)
    assert train.dtype == np.float32
    assert 40 < train.nnz / 400 <= 55
    again, _ = made.sparse_rows(400, 2400, 0)
    assert (train != again).nnz == 0


@pytest.mark.parametrize("library", ["truncated_svd", "sklearn_ae_start"])
def test_a_cell_is_a_process_of_its_own(library):
    version = problems.rival("sparse", library).version
    cell = runner.Cell("sparse", "sparse/1000x600", 8, 0, library, version)
    row = runner.run_cell(cell)
    assert row["error"] == ""
    assert set(row) <= set(runner.columns("sparse"))
    assert 0.03 < row["r2"] < 1
    assert (row["n_train"], row["n_test"], row["p"], row["epochs"]) == (1000, 100, 600, 0)


def test_the_report_names_the_bar():
    done = runner.read(runner.results_path("sparse"), "sparse")
    assert "Fit and transform in less than 4 GiB holds" in sparse.report(done)
    done.loc[done["library"] == "sklearn_ae_start", "peak_gib"] = 4.5
    assert "does not hold: 4.50 GiB" in sparse.report(done)
