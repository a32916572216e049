"""PCA and Autoencoder as two choices of one grid search, on the terminal and in a picture.

Run ``python -m benchmarks.demo`` for two data sets that scikit-learn ships, or
``python -m benchmarks.demo --data file.csv [--target column]`` for a table of your own.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2

N_COMPONENTS = (2, 4, 8)
N_FOLDS = 3
# A numeric target with no more distinct values than this names classes.
MAX_NUMERIC_CLASSES = 10
# A text target with more distinct values than this is a name or an id.
MAX_CLASSES = 50
MIN_ROWS = 20


class DemoError(Exception):
    """What the user can mend; the message says how."""


@dataclass
class Problem:
    """A table and what to predict from its codes.

    Attributes
    ----------
    name : str
        What the table is called on the terminal and in the picture.
    X : array-like of shape (n_samples, n_features)
        The numeric columns.
    y : ndarray of shape (n_samples,) or None
        The target, if there is one.
    task : {"classification", "regression"} or None
        What kind of target it is.
    target : str
        What the target is called.
    notes : list of str
        What was left out, for the user to read.
    """

    name: str
    X: Any
    y: np.ndarray | None = None
    task: str | None = None
    target: str = "class"
    notes: list[str] = field(default_factory=list)


def shipped_problems() -> list[Problem]:
    """Return the two data sets that the demo uses when none is named."""
    problems = []
    for name, load in (("digits", load_digits), ("breast_cancer", load_breast_cancer)):
        bunch = load()
        names = np.asarray(bunch.target_names).astype(str)
        problems.append(Problem(name, bunch.data, names[bunch.target], "classification"))
    return problems


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file whose separator is a comma, semicolon or tab.

    Parameters
    ----------
    path : Path
        The file. Its first line names the columns.

    Returns
    -------
    DataFrame
        The table as it stands in the file.
    """
    if not path.exists():
        raise DemoError(f"{path} does not exist; give --data the path of a CSV file.")
    if not path.is_file():
        raise DemoError(f"{path} is not a file; give --data the path of a CSV file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
        separator = max(",;\t", key=header.count)
        return pd.read_csv(path, sep=separator, encoding="utf-8-sig", low_memory=False)
    except UnicodeDecodeError as error:
        raise DemoError(f"{path} is not UTF-8 text ({error}); save it as CSV in UTF-8.") from error
    except pd.errors.EmptyDataError as error:
        raise DemoError(f"{path} is empty; its first line has to name the columns.") from error
    except (pd.errors.ParserError, csv.Error) as error:
        raise DemoError(f"{path} cannot be read as CSV: {error}") from error


def csv_problem(
    path: Path, target: str | None = None, *, max_rows: int = 5000, random_state: int = 0
) -> Problem:
    """Make a problem of a CSV file.

    Numeric columns are used. Other columns, columns without a value and rows with a missing
    value are left out, and the notes say which.

    Parameters
    ----------
    path : Path
        The file.
    target : str, optional
        The column to predict from the codes.
    max_rows : int, default=5000
        Of more rows, this many are drawn.
    random_state : int, default=0
        Decides which rows are drawn.

    Returns
    -------
    Problem
        The table, the target and the notes.
    """
    frame = read_table(path)
    if target is not None and target not in frame.columns:
        columns = ", ".join(map(str, frame.columns))
        raise DemoError(f"{path} has no column {target!r}; its columns are: {columns}.")
    notes = []
    features = frame.drop(columns=[] if target is None else [target])
    numeric = features.select_dtypes(["number", "bool"]).astype(float)
    left_out = [column for column in features.columns if column not in numeric.columns]
    if left_out:
        notes.append(f"left out, not numeric: {', '.join(map(str, left_out))}")
    numeric = numeric.replace([np.inf, -np.inf], np.nan)
    empty = numeric.columns[numeric.isna().all()]
    if len(empty):
        notes.append(f"left out, no value at all: {', '.join(map(str, empty))}")
        numeric = numeric.drop(columns=empty)
    if numeric.shape[1] < 2:
        raise DemoError(
            f"{path} has {numeric.shape[1]} numeric columns beside the target, and a code needs at "
            "least 2; turn text columns into numbers first."
        )
    y = None if target is None else frame[target]
    complete = numeric.notna().all(axis=1)
    if y is not None:
        complete &= y.notna()
    n_dropped = int((~complete).sum())
    if n_dropped:
        notes.append(f"dropped {n_dropped} of {len(frame)} rows, which have a missing value")
    if complete.sum() < MIN_ROWS:
        shares = numeric.isna().mean()
        missing = ", ".join(f"{c} ({s:.0%})" for c, s in shares[shares > 0].nlargest(3).items())
        raise DemoError(
            f"{path} has {complete.sum()} complete rows, and the demo needs {MIN_ROWS}"
            + (f"; most values are missing in {missing}: remove these columns." if missing else ".")
        )
    rows = np.flatnonzero(complete)
    if len(rows) > max_rows:
        notes.append(f"drew {max_rows} of {len(rows)} rows (--max-rows)")
        rows = np.sort(np.random.default_rng(random_state).permutation(rows)[:max_rows])
    problem = Problem(path.stem, numeric.iloc[rows].reset_index(drop=True), notes=notes)
    if y is not None and target is not None:
        problem.target = target
        problem.y, problem.task = encode_target(y.iloc[rows], target)
        if problem.task == "classification":
            drop_rare_classes(problem)
    return problem


def encode_target(y: pd.Series, name: str) -> tuple[np.ndarray, str]:
    """Tell classes from numbers.

    Parameters
    ----------
    y : Series
        The target, without missing values.
    name : str
        Its name, for messages.

    Returns
    -------
    y : ndarray
        Texts for classes, floats for numbers.
    task : {"classification", "regression"}
        What to fit.
    """
    n_values = y.nunique()
    is_number = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    if n_values < 2:
        raise DemoError(f"the target {name!r} has one value only; choose another --target.")
    if is_number and n_values > MAX_NUMERIC_CLASSES:
        return y.to_numpy(float), "regression"
    if n_values > MAX_CLASSES:
        raise DemoError(
            f"the target {name!r} has {n_values} distinct texts, more than {MAX_CLASSES} classes; "
            "choose another --target."
        )
    if is_number and (y == y.round()).all():
        y = y.astype(int)  # a column with missing values was read as 1.0, 2.0
    return y.astype(str).to_numpy(str), "classification"


def drop_rare_classes(problem: Problem) -> None:
    """Leave the rows of classes out that have fewer rows than there are folds."""
    assert problem.y is not None
    classes, counts = np.unique(problem.y, return_counts=True)
    rare = classes[counts < N_FOLDS]
    if not len(rare):
        return
    if len(classes) - len(rare) < 2:
        raise DemoError(
            f"the target {problem.target!r} has fewer than 2 classes of at least {N_FOLDS} rows; "
            "choose another --target."
        )
    keep = ~np.isin(problem.y, rare)
    problem.X = problem.X.loc[keep].reset_index(drop=True)
    problem.y = problem.y[keep]
    problem.notes.append(
        f"dropped {int((~keep).sum())} rows of classes with fewer than {N_FOLDS} rows: "
        + ", ".join(rare)
    )


def score_codes(estimator: Pipeline, X: Any, y: Any = None) -> float:
    """Score the step "reduce" of a fitted pipeline by its R² in standardised columns.

    Parameters
    ----------
    estimator : Pipeline
        With the steps "scale" and "reduce".
    X : array-like of shape (n_samples, n_features)
        Rows that the pipeline has not seen.
    y : ignored
        There because scorers take it.

    Returns
    -------
    float
        1 for a perfect reconstruction, 0 for that of the column means.
    """
    return reconstruction_r2(estimator["reduce"], estimator["scale"].transform(X))


def make_search(problem: Problem, *, n_jobs: int = 2) -> GridSearchCV:
    """Build the grid search in which PCA and Autoencoder are two choices of one step.

    Parameters
    ----------
    problem : Problem
        Decides what stands after the code: a classifier, a ridge regression or nothing.
    n_jobs : int, default=2
        How many fits run at once.

    Returns
    -------
    GridSearchCV
        Not fitted. It scores the code, and the prediction if there is a target.
    """
    n_features = np.shape(problem.X)[1]
    components = [k for k in N_COMPONENTS if k < n_features] or [1]
    steps: list[tuple[str, BaseEstimator]] = [("scale", StandardScaler()), ("reduce", PCA())]
    scoring: dict[str, Any] = {"code": score_codes}
    # Shuffled, since a file is often sorted by one of its columns.
    folds = StratifiedKFold if problem.task == "classification" else KFold
    if problem.task == "classification":
        steps.append(("clf", LogisticRegression(max_iter=1000)))
        scoring["prediction"] = "accuracy"
    elif problem.task == "regression":
        steps.append(("reg", Ridge()))
        scoring["prediction"] = "r2"
    return GridSearchCV(
        Pipeline(steps),
        {"reduce": [PCA(), Autoencoder(random_state=0)], "reduce__n_components": components},
        scoring=scoring,
        refit="prediction" if "prediction" in scoring else "code",
        cv=folds(N_FOLDS, shuffle=True, random_state=0),
        n_jobs=n_jobs,
    )


def search_table(search: GridSearchCV) -> pd.DataFrame:
    """Lay the results of the search out with PCA beside Autoencoder.

    Parameters
    ----------
    search : GridSearchCV
        A fitted search of `make_search`.

    Returns
    -------
    DataFrame
        A row for each number of components, columns (measure, reducer).
    """
    results = search.cv_results_
    flat = pd.DataFrame(
        {
            "reducer": [type(reducer).__name__ for reducer in results["param_reduce"]],
            "k": np.asarray(results["param_reduce__n_components"], dtype=int),
            "code": results["mean_test_code"],
            "prediction": results.get("mean_test_prediction", np.nan),
            "seconds": results["mean_fit_time"],
        }
    )
    return flat.pivot_table(index="k", columns="reducer", dropna=False)


def print_table(problem: Problem, table: pd.DataFrame, console: Console) -> None:
    """Print the numbers of a data set; the better of two neighbours is bold."""
    n_samples, n_features = np.shape(problem.X)
    rich_table = Table(
        title=f"{escape(problem.name)}: {n_samples} rows, {n_features} columns", box=box.SIMPLE_HEAD
    )
    rich_table.add_column("k", justify="right")
    measures = {"code": "code R²"}
    if problem.task is not None:
        is_class = problem.task == "classification"
        measures["prediction"] = "accuracy" if is_class else "target R²"
    measures["seconds"] = "fit, s"
    for word in measures.values():
        rich_table.add_column(f"{word}\nPCA", justify="right")
        rich_table.add_column("\nAutoencoder", justify="right")
    for k in table.index:
        cells = [str(k)]
        for measure in measures:
            pair = [table.loc[k, (measure, name)] for name in ("PCA", "Autoencoder")]
            digits = 2 if measure == "seconds" else 3
            texts = [f"{value:.{digits}f}" for value in pair]
            if measure != "seconds" and texts[0] != texts[1]:
                best = int(np.argmax(pair))
                texts[best] = f"[bold]{texts[best]}[/bold]"
            cells += texts
        rich_table.add_row(*cells)
    console.print(rich_table)


def draw_codes(axes: Any, problem: Problem, table: pd.DataFrame) -> None:
    """Draw the two-dimensional codes of all rows: PCA left, Autoencoder right."""
    k = min(table.index)
    reducers = {"PCA": PCA(k), "Autoencoder": Autoencoder(k, random_state=0)}
    for ax, (name, reducer) in zip(axes, reducers.items(), strict=True):
        codes = Pipeline([("scale", StandardScaler()), ("reduce", reducer)]).fit_transform(
            problem.X
        )
        x = codes[:, 0]
        y = codes[:, 1] if k > 1 else np.arange(len(codes))
        scatter_by_target(ax, x, y, problem, legend=name == "Autoencoder")
        ax.set_title(f"{problem.name}: {name}, held-out R² {table.loc[k, ('code', name)]:.3f}")
        ax.set_xlabel("component 0")
        ax.set_ylabel("component 1" if k > 1 else "row")
        ax.set_xlim(central_limits(x))
        ax.set_ylim(central_limits(y))


def central_limits(values: np.ndarray) -> tuple[float, float]:
    """Return limits that hold the central 98 % of the values; a few far ones hide the rest."""
    low, high = np.percentile(values, [1, 99])
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def scatter_by_target(
    ax: Any, x: np.ndarray, y: np.ndarray, problem: Problem, *, legend: bool
) -> None:
    """Draw points in the colours of their class or number, with a legend or a scale."""
    style = {"s": 7, "alpha": 0.7, "linewidths": 0}
    if problem.y is None:
        ax.scatter(x, y, **style)
    elif problem.task == "regression":
        points = ax.scatter(x, y, c=problem.y, cmap="viridis", **style)
        if legend:
            ax.figure.colorbar(points, ax=ax, label=problem.target)
    else:
        classes, index = np.unique(problem.y, return_inverse=True)
        few = len(classes) <= 10
        colours = {"cmap": "tab10", "vmin": 0, "vmax": 9} if few else {"cmap": "turbo"}
        points = ax.scatter(x, y, c=index, **colours, **style)
        if few and legend:
            handles, _ = points.legend_elements(num=None)
            ax.legend(
                handles, classes, title=problem.target, loc="center left", bbox_to_anchor=(1, 0.5)
            )


def save_picture(problems: list[Problem], tables: list[pd.DataFrame], path: Path) -> None:
    """Write the picture of the codes, a row for each data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6 * len(problems)), layout="constrained")
    grid = figure.subplots(len(problems), 2, squeeze=False)
    for axes, problem, table in zip(grid, problems, tables, strict=True):
        draw_codes(axes, problem, table)
    figure.supxlabel("Codes of all rows; each axis shows the central 98 %.", fontsize="small")
    figure.savefig(path, dpi=120)


def check_output(path: Path) -> None:
    """Raise if the picture could not be written, before any time is spent."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lstrip(".").lower() not in known:
        raise DemoError(f"--output {path} has no picture's ending; use one of: {', '.join(known)}.")
    if not path.absolute().parent.is_dir():
        raise DemoError(f"the folder of --output {path} does not exist; make it first.")


def best_choice(search: GridSearchCV) -> str:
    """Say in a line what the search chose."""
    best = search.best_params_
    return f"{type(best['reduce']).__name__}, k={best['reduce__n_components']}"


def run(
    problems: list[Problem], output: Path, console: Console, *, n_jobs: int = 2
) -> list[pd.DataFrame]:
    """Search, print and draw."""
    tables = []
    for problem in problems:
        for note in problem.notes:
            console.print(f"{problem.name}: {note}", markup=False)
        search = make_search(problem, n_jobs=n_jobs)
        if console.is_terminal and hasattr(search, "set_callbacks"):  # scikit-learn 1.9
            from sklearn.callback import ProgressBar

            search.set_callbacks(ProgressBar(max_propagation_depth=0))
        search.fit(problem.X, problem.y)
        tables.append(search_table(search))
        print_table(problem, tables[-1], console)
        console.print(f"The grid search chose {best_choice(search)}.\n", markup=False)
    console.print(
        f"Means over the held-out parts of {N_FOLDS} folds. Code R² is the share of the variance "
        "of standardised columns that the reconstruction keeps.",
    )
    with console.status("Drawing the codes"):
        save_picture(problems, tables, output)
    console.print(
        f"The codes of {min(tables[0].index)} components are drawn in {output}", markup=False
    )
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Run the demo from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="a CSV file whose first line names the columns")
    parser.add_argument("--target", help="a column of the file to predict from the codes")
    parser.add_argument("--output", type=Path, default=Path("demo.png"), help="the picture")
    parser.add_argument("--max-rows", type=int, default=5000, help="draw this many of more rows")
    parser.add_argument("--jobs", type=int, default=2, help="how many fits run at once")
    options = parser.parse_args(arguments)
    try:
        if options.target is not None and options.data is None:
            raise DemoError("--target names a column of the file that --data gives; add --data.")
        if options.max_rows < MIN_ROWS:
            raise DemoError(f"--max-rows {options.max_rows} is too few; use {MIN_ROWS} or more.")
        check_output(options.output)
        problems = (
            shipped_problems()
            if options.data is None
            else [csv_problem(options.data, options.target, max_rows=options.max_rows)]
        )
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    run(problems, options.output, Console(), n_jobs=options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
