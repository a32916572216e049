"""The speed benchmark runs rivals side by side, resumes, and judges what it wrote."""

import numpy as np
import pytest

from benchmarks import data
from benchmarks.speed import cells as grid
from benchmarks.speed import (
    cli,
    default,
    imports,
    kills,
    libraries,
    report,
    runner,
    serving,
    sources,
    sources_report,
)
from benchmarks.speed.cells import Cell
from benchmarks.speed.cli import defaults_path, main

TINY = Cell("table", "fit", 300, 5, (8, 4), 2, 32, 2)
NAMES = ["sklearn_ae", "sklearn_ae_eager", "mlp", "torch"]


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv(data.ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "speed.csv"


def run(path, *arguments, groups=("table",)):
    return main(["run", "--groups", *groups, "--results", str(path), "--rounds", "1", *arguments])


def test_cells_are_well_formed():
    assert len(set(grid.CELLS)) == len(grid.CELLS)
    keys = [tuple(runner.key(cell, "torch", "0").values()) for cell in grid.CELLS]
    assert len(set(keys)) == len(keys)
    for cell in grid.CELLS:
        assert cell.task in grid.LIBRARIES
        assert cell.k < cell.p
        assert cell.batch <= cell.n
        assert min(cell.epochs, cell.threads, *cell.hidden) >= 1
        assert cell.label()
    assert set().union(*grid.LIBRARIES.values()) == set(libraries.LIBRARIES)


def test_batches_are_counted_as_the_library_makes_them():
    assert grid.n_batches(TINY, "torch") == 20
    assert grid.n_batches(TINY, "jax") == 18


def test_a_cell_runs_side_by_side_and_only_once(path, monkeypatch, capsys):
    monkeypatch.setattr(grid, "CELLS", [TINY])
    assert run(path, "--libraries", *NAMES) == 0
    results = runner.TABLE.read(path).set_index("library")
    assert results.index.tolist() == NAMES
    assert (results["error"] == "").all()
    measured = results[["seconds_median", "seconds_min", "us_per_batch", "ratio_torch"]]
    assert np.isfinite(measured).all(axis=None)
    assert (measured > 0).all(axis=None)
    assert results["ratio_limit"].isna().all()
    assert (results["rounds"] == 1).all()
    ratios = results["seconds_median"] / results.loc["torch", "seconds_median"]
    np.testing.assert_allclose(results["ratio_torch"], ratios, rtol=1e-3, atol=1e-4)
    peaks = results["peak_mib"].dropna()
    assert (peaks >= 0).all()

    before = path.read_text()
    capsys.readouterr()
    assert run(path, "--libraries", *NAMES) == 0
    assert "0 of 1 cells" in capsys.readouterr().out
    assert path.read_text() == before
    assert main(["report", "--results", str(path)]) == 0
    assert "microseconds a batch" in capsys.readouterr().out


def test_a_library_that_fails_leaves_its_error(path):
    cell = Cell("table", "fit", 300, 5, (8, 4), 2, -1, 2)
    rows = runner.run_cell(cell, runner.installed(["mlp"]), rounds=1)
    assert [row["rounds"] for row in rows] == [0]
    assert "ValueError" in rows[0]["error"]
    runner.TABLE.append(path, rows)
    results = runner.TABLE.read(path)
    assert "1 failed runs" in report.text(results, default.TABLE.read(defaults_path(path)))


def test_rounds_go_back_and_forth_until_patience_ends(monkeypatch):
    asked = []

    class Quick:
        def __init__(self, library, *_):
            self.library = library

        def ask(self, do, **_):
            if do == "run":
                asked.append(self.library)
            return {"seconds": 99.0 if self.library == "mlp" else 2.0} if do == "run" else {}

        def close(self):
            pass

    monkeypatch.setattr(runner, "_Worker", Quick)
    found = runner.Installed({"mlp": "", "torch": "", "jax": ""}, [], "1.0")
    rows = runner.run_cell(TINY, found, rounds=3, of_version="0.1")
    assert asked == ["mlp", "torch", "jax", "jax", "torch", "torch", "jax"]
    assert [row["rounds"] for row in rows] == [1, 3, 3]
    assert [row["ratio_limit"] for row in rows] == [49.5, 1.0, 1.0]


def test_a_missing_library_is_named(path, monkeypatch, capsys):
    monkeypatch.setattr(grid, "CELLS", [])
    monkeypatch.setattr(libraries.PyOD, "modules", ("no_such_module",))
    where = ["--limit-python", str(path.with_name("no_such_python"))]
    assert run(path, "--libraries", "pyod", "jax", *where) == 0
    printed = capsys.readouterr().out
    assert "pyod is not installed" in printed
    assert "jax is not installed" in printed


def test_cells_without_their_data_are_left_out(path, monkeypatch, capsys):
    monkeypatch.setattr(grid, "CELLS", [cell for cell in grid.CELLS if cell.data != grid.NORMAL])
    assert run(path) == 0
    printed = capsys.readouterr().out
    assert "The data or the device are not here: table shuttle 49,097 x 9" in printed
    assert not path.exists()


def made(numbers, of_version="0.1"):
    """Rows of a run in which ours has the numbers given."""
    rows = []
    for cell in grid.CELLS:
        shared = {"rounds": 5, "python": "3.13.1", "platform": "Linux", "cpus": 2, "error": ""}
        seconds = cell.epochs * (cell.n * 1e-6) ** numbers["exponent"]
        rows.append(
            runner.key(cell, "sklearn_ae", of_version)
            | shared
            | {
                "seconds_median": seconds,
                "us_per_batch": 1e6 * seconds / grid.n_batches(cell, "sklearn_ae"),
                "ratio_limit": numbers["limit"],
                "ratio_torch": numbers["torch"],
                "peak_mib": numbers["peak"],
                "peak_per_input": numbers["peak"] / (cell.n * cell.p * 4 / 2**20),
            }
        )
        rows.append(runner.key(cell, "torch", of_version) | shared | {"seconds_median": seconds})
        if cell.group == "gpu":
            rows[-2]["us_per_batch"] = numbers["gpu"]
            rows += [
                runner.key(cell, name, of_version) | shared | {"us_per_batch": 640.0}
                for name in ("skorch", "pyod")
            ]
    for name, seconds in zip(imports.STATEMENTS, [2.0, 2.1, 2.0 * numbers["import"]], strict=True):
        row = dict.fromkeys(runner.CELL, 0) | {"group": "import", "task": "import", "hidden": ""}
        row |= {"library": name, "version": of_version, "seconds_median": seconds, "rounds": 5}
        rows.append(row | {"data": "", "python": "3.13.1", "error": ""})
    row |= {"group": "serve", "task": "serve", "data": "breast_cancer", "library": serving.ALL}
    row |= {"seconds_median": 1e-6 * numbers["serve"], "python": "3.13.1", "error": ""}
    return [*rows, row]


def made_defaults(r2):
    shared = {"data": "wine", "k": 2, "version": "0.1", "python": "3.13.1", "error": ""}
    fits = [("pyod", "", 10.0, 0.5), ("sklearn_ae", "3", 2.5, r2), ("sklearn_ae", "30", 2.6, 0.9)]
    return [
        shared | {"library": library, "max_iter": label, "seconds": seconds, "r2": score}
        for library, label, seconds, score in fits
    ]


GOOD = {
    "limit": 1.2,
    "torch": 1.05,
    "peak": 100.0,
    "exponent": 1.0,
    "import": 1.02,
    "gpu": 79.0,
    "serve": 26.0,
}
BAD = {
    "limit": 1.3,
    "torch": 1.4,
    "peak": 180.0,
    "exponent": 1.2,
    "import": 1.2,
    "gpu": 81.0,
    "serve": 31.0,
}


@pytest.mark.parametrize(
    ("numbers", "r2", "verdict"), [(GOOD, 0.6, report.CLEARS), (BAD, 0.5, report.FAILS)]
)
def test_the_report_says_what_clears(path, capsys, numbers, r2, verdict):
    runner.TABLE.append(path, made(numbers))
    default.TABLE.append(defaults_path(path), made_defaults(r2))
    results, defaults = runner.TABLE.read(path), default.TABLE.read(defaults_path(path))
    found = report.bars(report.current(results), defaults)
    assert len(found) == 5 + 2 + 3 + 7
    assert {bar.verdict for bar in found} == {verdict}
    assert main(["report", "--results", str(path)]) == 0
    printed = capsys.readouterr().out
    assert ("loses wine k=2: 0.5000 in 10.00 s" in printed) == (verdict == report.FAILS)
    for group in dict.fromkeys(cell.group for cell in grid.CELLS):
        assert f"\n{group}: " in "\n" + printed


def test_what_was_not_measured_clears_nothing(path):
    results, defaults = runner.TABLE.read(path), default.TABLE.read(defaults_path(path))
    assert {bar.verdict for bar in report.bars(results, defaults)} == {report.UNKNOWN}
    assert report.text(results, defaults).startswith("No results.")


def test_the_newest_version_counts(path):
    runner.TABLE.append(path, made(BAD, "0.9"))
    runner.TABLE.append(path, made(GOOD, "0.10"))
    results = report.current(runner.TABLE.read(path))
    assert set(results["version"]) == {"0.10"}


def test_the_picture_is_written(path):
    runner.TABLE.append(path, made(GOOD))
    picture = path.with_suffix(".png")
    assert main(["plot", "--results", str(path), "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_imports_are_timed_in_turn(path, monkeypatch, capsys):
    monkeypatch.setattr(imports, "STATEMENTS", dict.fromkeys(imports.STATEMENTS, "pass"))
    assert run(path, groups=["import"]) == 0
    assert runner.TABLE.read(path)["library"].tolist() == list(imports.STATEMENTS)
    assert run(path, groups=["import"]) == 0
    assert "nothing to run" in capsys.readouterr().out


def test_one_row_is_served_in_turn(path, monkeypatch, capsys):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(serving, "CALLS", 3)
    assert run(path, groups=["serve"]) == 0
    rows = runner.TABLE.read(path)
    assert rows["library"].tolist() == ["sklearn_ae", *serving.GRAPHS]
    assert (rows["seconds_median"] > 0).all()
    assert run(path, groups=["serve"]) == 0
    assert "serve: nothing to run" in capsys.readouterr().out


def test_default_fits_are_compared_and_resume(path, monkeypatch, capsys):
    monkeypatch.setattr(default, "RIVALS", ["mlp"])
    monkeypatch.setattr(default, "MAX_ITER", [0, 2])
    monkeypatch.setattr(default, "cells", lambda: [("wine", 2)])
    assert run(path, groups=["default"]) == 0
    rows = default.TABLE.read(defaults_path(path))
    assert rows["library"].tolist() == ["mlp", "sklearn_ae", "sklearn_ae"]
    assert rows["max_iter"].tolist() == ["", "0", "2"]
    assert (rows["seconds"] > 0).all()
    assert rows["r2"].between(-1, 1).all()
    before = defaults_path(path).read_text()
    assert run(path, groups=["default"]) == 0
    assert "0 of 1 cells" in capsys.readouterr().out
    assert defaults_path(path).read_text() == before


def test_rows_of_files_are_measured_and_resume(path, monkeypatch, capsys):
    cells = [("fit", "waves", where, 1500, 0) for where in (sources.FILE, sources.MEMORY)]
    monkeypatch.setattr(sources, "cells", lambda: cells)
    monkeypatch.setattr(cli, "BESIDE", {sources.GROUP: [sources]})
    assert run(path, groups=[sources.GROUP]) == 0
    rows = sources.TABLE.read(path.with_name(sources.PATH.name))
    assert rows["error"].tolist() == ["", ""]
    assert (rows["anon_peak_mib"] >= rows["anon_before_mib"]).all()
    assert rows["held_out_loss"][0] == pytest.approx(rows["held_out_loss"][1], rel=0.2)
    assert run(path, groups=[sources.GROUP]) == 0
    assert "scale" not in capsys.readouterr().out.split("scale: fit waves memory")[1]


def test_losses_of_a_file_are_compared_draw_by_draw(path, capsys):
    rng = np.random.default_rng(0)
    drawn = dict(zip(sources.SEEDS, rng.lognormal(size=len(sources.SEEDS)), strict=True))
    row = {"version": "0.1.0", "python": "3", "platform": "", "error": ""}
    row |= {"us_a_row": 5.0, "anon_peak_mib": 400.0, "log_loss": 0.0}
    keys = sources.TABLE.keys[:-1]
    rows = [dict(zip(keys, cell, strict=True)) | row for cell in sources.cells()]
    for cell in rows:
        cell["cpu_seconds"] = 1e-5 * cell["n"]
        cell["held_out_loss"] = drawn[cell["seed"]] * (1.02 if cell["where"] == "file" else 1)
    sources.TABLE.append(path.with_name(sources.PATH.name), rows)
    results = sources.TABLE.read(path.with_name(sources.PATH.name))
    found = sources_report.losses(results).iloc[0]
    assert found["mean"] == pytest.approx(100 * np.log(1.02))
    assert found["error"] == pytest.approx(0, abs=1e-9)
    logs = np.log(list(drawn.values()))
    pairs = np.subtract.outer(logs, logs)[~np.eye(len(logs), dtype=bool)]
    assert found["spread"] == pytest.approx(100 * np.sqrt(np.mean(pairs**2)))
    assert found["most"] == pytest.approx(100 * pairs.max())
    assert (sources_report.read_into_memory(results)["ratio"] == 1).all()
    assert sources_report.exponent(results, "fit") == pytest.approx(1)
    assert main(["report", "--results", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("fails         loss, ") == len(sources.TABLES)
    assert printed.count("clears        fit, 20,000,000 rows") == 3


def test_fits_are_killed_and_resumed(path, monkeypatch):
    monkeypatch.setattr(kills, "KINDS", ("detector",))
    monkeypatch.setattr(kills, "KILLS", 1)
    assert kills.run("0", path, rerun=False) == 0
    assert kills.TABLE.read(path)["equal"].tolist() == [1]
    assert kills.run("0", path, rerun=False) == 0
    assert len(kills.TABLE.read(path)) == 1


@pytest.mark.parametrize("name", sources.TABLES)
def test_tables_by_which_losses_are_compared(name):
    table = sources.table(name, 300)
    assert len(table) == 300
    assert table.isna().any(axis=None) == (name in ("heavy", "mixed"))
