"""Seconds and choices of ``sklearn-ae report``: the shipped table, real tables and made ones."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data import ENVIRONMENT_VARIABLE
from benchmarks.runner import RESULTS
from benchmarks.speed import machine
from benchmarks.speed.table import Table

GROUP = "report"
PATH = RESULTS / "reports.csv"
# The column that is predicted of each table; those in MAKERS are made.
TARGETS = {
    "flights": "",
    "titanic": "Survived",
    "housing": "median_house_value",
    "bank": "y",
    "online_shoppers": "Revenue",
    "people": "city",
    "wide": "",
    "text": "",
}
SHIPPED = "flights"
TABLE = Table(
    keys=["table", "version"],
    values=[
        *("target", "rows", "columns", "seconds", "cpu_seconds", "load"),
        *("left_out", "to_predict", "to_keep", "python", "platform", "cpus", "error"),
    ],
    text=[
        *("table", "version", "target", "left_out", "to_predict", "to_keep"),
        *("python", "platform", "error"),
    ],
)


def run(of_version: str, path: Path = PATH, rerun: bool = False) -> int:
    """Write the reports that are missing.

    Parameters
    ----------
    of_version : str
        Version of the package.
    path : Path
        The file of results. Seconds are those of the whole command; `load` is that of the machine
        before it.
    rerun : bool
        Run what has rows as well.

    Returns
    -------
    failed : int
        Number of commands that failed.
    """
    done = set() if rerun else TABLE.done(path, of_version)
    failed = 0
    for name, target in TARGETS.items():
        if (name,) in done:
            continue
        with tempfile.TemporaryDirectory(prefix="sklearn-ae-report-") as made:
            source = None if name == SHIPPED else _source(name, Path(made))
            if source is not None and not source.exists():
                print(f"{source} is not here, and {name} is left out.")
                continue
            row = {"table": name, "version": of_version, "target": target}
            row |= _report(source, target, Path(made) / "out") | machine.describe()
        failed += bool(row["error"])
        print(f"  {row}", flush=True)
        TABLE.append(path, [row])
    return failed


def _report(source: Path | None, target: str, out: Path) -> dict:
    command = [sys.executable, "-m", "sklearn_ae", "report", "--output", str(out)]
    command += [str(source)] if source else []
    command += ["--target", target] if target else []
    load, start, before = os.getloadavg()[0], time.perf_counter(), _cpu_seconds()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    row = {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(_cpu_seconds() - before, 1),
        "load": round(load, 1),
    }
    if done.returncode:
        return row | {"error": done.stderr.strip()[-200:]}
    page = (out / "report.html").read_text(encoding="utf-8")
    left_out = re.search(r"Left out of the models.*?</ul>", page)
    rows, columns = re.search(r"([\d,]+) rows, (\d+) columns in use", page).groups()
    return row | {
        "rows": int(rows.replace(",", "")),
        "columns": int(columns),
        "left_out": " ".join(re.findall(r"<b>([^<]+)</b>", left_out[0])) if left_out else "",
        "to_predict": _choice(done.stdout, "To predict"),
        "to_keep": _choice(done.stdout, "To keep"),
        "error": "",
    }


def _choice(verdict: str, aim: str) -> str:
    found = re.search(rf"{aim}[^.]*?, (PCA|take the autoencoder)", verdict)
    return "" if found is None else found[1].split()[-1]


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _source(name: str, made: Path) -> Path:
    """Return the file of a table, which is made there if it is no real one."""
    if name not in MAKERS:
        return Path(os.environ.get(ENVIRONMENT_VARIABLE, "")) / "tables" / f"{name}.csv"
    path = made / f"{name}.csv"
    MAKERS[name](np.random.default_rng(0), path)
    return path


def _people(rng: np.random.Generator, path: Path) -> None:
    """Write semicolons, decimal commas, dates, missing cells and a target of text."""
    n = 2000
    group = rng.integers(0, 3, n)
    days = group * 300 + rng.integers(0, 200, n)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(n) + 10_000,
            "city": np.array(["Ulm", "Bonn", "Kiel"])[group],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, "D"),
            "income": (3000 + 500 * group + 200 * rng.normal(size=n)).round(2),
            "spends": (group + rng.normal(size=n)).round(3),
        }
    )
    frame.loc[rng.random(n) < 0.05, "income"] = np.nan
    frame.to_csv(path, sep=";", decimal=",", date_format="%d.%m.%Y", index=False)


def _wide(rng: np.random.Generator, path: Path) -> None:
    """Write 80 rows of 300 columns."""
    values = rng.normal(size=(80, 4)) @ rng.normal(size=(4, 300))
    values += 0.1 * rng.normal(size=values.shape)
    pd.DataFrame(values, columns=[f"c{i}" for i in range(300)]).to_csv(path, index=False)


def _text(rng: np.random.Generator, path: Path) -> None:
    """Write columns of text alone."""
    letters = rng.integers(0, 4, (1000, 3))
    frame = pd.DataFrame(np.array(list("abcd"))[letters], columns=["x", "y", "z"])
    frame["both"] = frame["x"] + frame["y"]
    frame.to_csv(path, index=False)


MAKERS: dict[str, Callable[[np.random.Generator, Path], None]] = {
    "people": _people,
    "wide": _wide,
    "text": _text,
}
