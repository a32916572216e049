"""The runner of the benchmarks resumes, and its report reads what it wrote."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import data, problems, report, rivals, runner
from benchmarks.cli import main
from benchmarks.problems import _base

PROBLEM = "reconstruction"


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv(data.ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def run(path, *arguments):
    selection = ["--libraries", "pca", "--data", "wine", "--yes", "--results", str(path)]
    return main(["run", PROBLEM, *selection, *arguments])


def test_only_missing_cells_run(path):
    assert run(path, "--seeds", "0") == 0
    first = path.read_text()
    assert len(runner.read(path, PROBLEM)) == 3
    assert run(path, "--seeds", "0", "1") == 0
    assert path.read_text().startswith(first)
    results = runner.read(path, PROBLEM)
    assert len(results) == 6
    assert not results.duplicated(runner.KEYS).any()
    before = path.read_text()
    assert run(path, "--seeds", "0", "1") == 0
    assert path.read_text() == before


def test_a_run_that_was_cut_off_goes_on(path):
    run(path, "--seeds", "0")
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + "reconstruction,wine")
    assert len(runner.read(path, PROBLEM)) == 2
    run(path, "--seeds", "0")
    scores = runner.read(path, PROBLEM).set_index("k")["r2"]
    assert scores.index.tolist() == [2, 4, 8]
    assert scores.is_monotonic_increasing


def test_a_new_version_makes_new_cells(path, monkeypatch):
    run(path, "--seeds", "0")
    monkeypatch.setattr(rivals.get("pca"), "version", "999.0")
    run(path, "--seeds", "0")
    results = runner.read(path, PROBLEM)
    assert len(results) == 6
    assert set(report.current(results)["version"]) == {"999.0"}


def test_rerun_replaces_rows(path):
    run(path, "--seeds", "0")
    results = runner.read(path, PROBLEM).assign(r2=-1.0)
    results.to_csv(path, index=False)
    run(path, "--seeds", "0", "--rerun")
    results = runner.read(path, PROBLEM)
    assert len(results) == 3
    assert (results["r2"] > 0).all()


def test_an_error_row_is_kept_and_retried_on_request(path, monkeypatch):
    def fail(X, k, seed):
        raise ValueError("no\nluck")

    with monkeypatch.context() as context:
        context.setattr(rivals.get("pca"), "fit", fail)
        assert run(path, "--seeds", "0") == 1
    results = runner.read(path, PROBLEM)
    assert results["error"].tolist() == ["ValueError: no luck"] * 3
    assert results["r2"].isna().all()
    before = path.read_text()
    assert run(path, "--seeds", "0") == 0
    assert path.read_text() == before
    assert "3 failed fits" in problems.get(PROBLEM).report(results)
    assert run(path, "--seeds", "0", "--retry") == 0
    assert path.read_text().startswith(before)
    results = runner.read(path, PROBLEM)
    assert (results["error"] == "").all()
    assert len(results) == 3


def test_estimate_uses_earlier_cells_of_that_library_and_data(path):
    run(path, "--seeds", "0")
    results = runner.read(path, PROBLEM).assign(seconds=3.0)
    version = results["version"][0]
    cells = [
        runner.Cell(PROBLEM, "wine", 2, 1, "pca", version),
        runner.Cell(PROBLEM, "digits", 2, 1, "pca", version),
        runner.Cell(PROBLEM, "wine", 2, 1, "mlp", version),
    ]
    expected = [3.0, pytest.approx(3.0 * 1797 / 178), None]
    assert runner.estimate(cells, results) == expected


def test_nothing_runs_without_consent(path, capsys):
    arguments = ["--libraries", "pca", "--data", "wine", "--results", str(path)]
    assert main(["run", PROBLEM, *arguments]) == 1
    assert main(["cost", PROBLEM, *arguments]) == 0
    assert not path.exists()
    assert "15 of 15 cells are missing" in capsys.readouterr().out


def test_a_perfect_and_a_constant_reconstruction_score_one_and_zero():
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert _base.pooled_r2(X, X, np.ones(3)) == 1
    assert _base.pooled_r2(X, np.ones_like(X), np.ones(3)) == 0


def test_report_pairs_seeds_and_lists_losers():
    rows = []
    for library, version, scores in [
        ("pca", "1.10", (0.5, 0.7)),
        ("pca", "1.9", (0.9, 0.9)),
        ("sklearn_ae", "0.1", (0.6, 0.4)),
        ("pyod", "3.0", (0.55,)),
    ]:
        for seed, r2 in enumerate(scores):
            row = {"problem": PROBLEM, "data": "wine", "k": 2, "seed": seed, "library": library}
            rows.append(row | {"version": version, "r2": r2, "fit_seconds": 1.0, "error": ""})
    results = pd.DataFrame(rows).assign(n_train=124, n_test=54, p=13, r2_raw=np.nan)
    text = problems.get(PROBLEM).report(results)
    assert "mean >= -0.001: 0 of 1 cells" in text
    assert "worst fit: -0.3000 (wine k=2 seed=1)" in text
    assert "mean gain: -0.1000" in text
    assert "loses wine k=2: -0.1000" in text
    assert "pyod: mean gain +0.0500, above in 100.0% of 1 cells" in text
    table = problems.get(PROBLEM).report(results, markdown=True)
    assert "| wine | 178 | 13 | **0.600** | 0.500 | 0.550 |" in table


def test_tracked_results_can_be_reported_and_drawn(tmp_path, capsys):
    assert main(["report", PROBLEM]) == 0
    assert "breast_cancer" in capsys.readouterr().out
    assert main(["report", PROBLEM, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| data | rows | columns | PCA |")
    picture = tmp_path / "picture.png"
    assert main(["plot", PROBLEM, "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
