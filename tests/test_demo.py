"""The demo reads tables, says what it leaves out, and names the way out of an error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import demo


def make_frame(n_samples: int = 60) -> pd.DataFrame:
    """Return a table with numbers, a flag, classes and a text."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n_samples, 2)) @ rng.normal(size=(2, 4))
    frame = pd.DataFrame(numbers, columns=["a", "b", "c", "d"])
    frame["flag"] = rng.random(n_samples) < 0.5
    frame["kind"] = np.where(frame["a"] > 0, "high", "low")
    frame["name"] = [f"row {i}" for i in range(n_samples)]
    return frame


def write(frame: pd.DataFrame, folder: Path, **options: object) -> Path:
    path = folder / "table.csv"
    frame.to_csv(path, index=False, **options)
    return path


def test_numeric_columns_are_used_and_the_others_are_named(tmp_path: Path) -> None:
    problem = demo.csv_problem(write(make_frame(), tmp_path))
    assert list(problem.X.columns) == ["a", "b", "c", "d", "flag"]
    assert problem.notes == ["left out, not numeric: kind, name"]
    assert problem.y is None
    assert problem.task is None


def test_rows_with_holes_are_dropped_and_counted(tmp_path: Path) -> None:
    frame = make_frame()
    frame.loc[[1, 5], "a"] = np.nan
    frame.loc[5, "b"] = np.nan
    frame.loc[7, "c"] = np.inf
    frame.loc[9, "kind"] = None
    path = write(frame, tmp_path)
    assert "dropped 3 of 60 rows, which have a missing value" in demo.csv_problem(path).notes
    with_target = demo.csv_problem(path, "kind")
    assert "dropped 4 of 60 rows, which have a missing value" in with_target.notes
    assert len(with_target.X) == len(with_target.y) == 56


def test_empty_columns_do_not_cost_all_rows(tmp_path: Path) -> None:
    problem = demo.csv_problem(write(make_frame().assign(empty=np.nan), tmp_path))
    assert "left out, no value at all: empty" in problem.notes
    assert problem.X.shape == (60, 5)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(tmp_path: Path, separator: str) -> None:
    problem = demo.csv_problem(write(make_frame(), tmp_path, sep=separator))
    assert problem.X.shape == (60, 5)


def test_rows_beyond_max_rows_are_drawn(tmp_path: Path) -> None:
    problem = demo.csv_problem(write(make_frame(), tmp_path), max_rows=30)
    assert len(problem.X) == 30
    assert "drew 30 of 60 rows (--max-rows)" in problem.notes


@pytest.mark.parametrize(
    ("target", "task"),
    [("kind", "classification"), ("flag", "classification"), ("a", "regression")],
)
def test_task_follows_from_the_target(tmp_path: Path, target: str, task: str) -> None:
    problem = demo.csv_problem(write(make_frame(), tmp_path), target)
    assert problem.task == task
    assert target not in problem.X.columns


def test_few_numbers_are_classes(tmp_path: Path) -> None:
    frame = make_frame().assign(grade=np.arange(60) % 3 + 0.0)
    problem = demo.csv_problem(write(frame, tmp_path), "grade")
    assert problem.task == "classification"
    assert sorted(set(problem.y)) == ["0", "1", "2"]


def test_rare_classes_are_left_out(tmp_path: Path) -> None:
    frame = make_frame()
    frame.loc[:1, "kind"] = "rare"
    problem = demo.csv_problem(write(frame, tmp_path), "kind")
    assert "dropped 2 rows of classes with fewer than 3 rows: rare" in problem.notes
    assert len(problem.X) == len(problem.y) == 58


def broken_files(folder: Path) -> dict[str, Path]:
    """Return files that cannot be used, by what is wrong with them."""
    frame = make_frame()
    folder.joinpath("empty.csv").write_text("")
    folder.joinpath("binary.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    frame[["a", "name"]].to_csv(folder / "narrow.csv", index=False)
    frame.assign(a=np.where(np.arange(60) < 50, np.nan, 1.0)).to_csv(folder / "holes.csv")
    frame.to_csv(folder / "good.csv", index=False)
    frame.assign(kind="same").to_csv(folder / "constant.csv", index=False)
    return {path.stem: path for path in folder.glob("*.csv")} | {
        "absent": folder / "absent.csv",
        "folder": folder,
    }


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        ("absent", [], ["absent.csv does not exist", "CSV file"]),
        ("folder", [], ["is not a file"]),
        ("empty", [], ["is empty", "name the columns"]),
        ("binary", [], ["not UTF-8", "save it"]),
        ("narrow", [], ["1 numeric columns", "at least 2"]),
        ("holes", [], ["10 complete rows", "a (83%)"]),
        ("good", ["--target", "kin"], ["no column 'kin'", "a, b, c, d, flag, kind, name"]),
        ("good", ["--target", "name"], ["60 distinct texts", "another --target"]),
        ("constant", ["--target", "kind"], ["one value only", "another --target"]),
        ("good", ["--output", "codes.xyz"], ["codes.xyz", "png"]),
        ("good", ["--output", "no/such/codes.png"], ["folder", "make it first"]),
        ("good", ["--max-rows", "3"], ["--max-rows 3", "20 or more"]),
    ],
)
def test_errors_name_the_way_out(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    options: list[str],
    words: list[str],
) -> None:
    path = broken_files(tmp_path)[file]
    assert demo.main(["--data", str(path), *options]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.out == ""
    for word in words:
        assert word in captured.err


def test_a_target_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--target", "kind"]) == 2
    assert "add --data" in capsys.readouterr().err


@pytest.mark.parametrize("target", [None, "kind", "a"])
def test_the_demo_prints_a_table_and_writes_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str | None
) -> None:
    picture = tmp_path / "codes.png"
    arguments = ["--data", str(write(make_frame(), tmp_path)), "--output", str(picture)]
    arguments += ["--jobs", "1"] + ([] if target is None else ["--target", target])
    assert demo.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "table: left out, not numeric" in printed
    assert "PCA" in printed
    assert "Autoencoder" in printed
    assert ("accuracy" in printed) == (target == "kind")
    assert ("target R²" in printed) == (target == "a")
    assert "The grid search chose" in printed
    assert picture.stat().st_size > 10_000


def test_two_columns_leave_one_component(tmp_path: Path) -> None:
    problem = demo.csv_problem(write(make_frame()[["a", "b"]], tmp_path))
    assert demo.make_search(problem).param_grid["reduce__n_components"] == [1]


def test_the_table_has_the_scores_of_the_search() -> None:
    frame = make_frame()
    problem = demo.Problem("rows", frame[["a", "b", "c", "d"]].to_numpy())
    search = demo.make_search(problem, n_jobs=1).fit(problem.X)
    table = demo.search_table(search)
    # The rows have two factors, so two components lose nothing, in either method.
    assert list(table.index) == [2]
    np.testing.assert_allclose(table["code"].to_numpy(), 1.0, atol=1e-6)
