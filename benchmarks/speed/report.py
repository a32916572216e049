"""Tables of the results, and the bars that ours has to clear."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from packaging.version import Version

from benchmarks.speed import default, imports, serving
from benchmarks.speed.cells import BARE, FIT, LIBRARIES, LIMIT, OURS, TRANSFORM, Cell
from benchmarks.speed.runner import CELL

CLEARS, FAILS, UNKNOWN = "clears", "fails", "not measured"
MILLION = {"n": 1_000_000, "p": 20}
_ORDER = list(dict.fromkeys(name for names in LIBRARIES.values() for name in names))
_MIB = 2**20


@dataclass(frozen=True)
class Bar:
    """One number and its bar.

    Parameters
    ----------
    name : str
        What is asked.
    value : float
        What was measured; NaN where nothing was.
    low, high : float
        Range that clears.
    """

    name: str
    value: float
    high: float
    low: float = -np.inf

    @property
    def verdict(self) -> str:
        """Whether the number clears its bar."""
        if np.isnan(self.value):
            return UNKNOWN
        return CLEARS if self.low <= self.value <= self.high else FAILS

    def __str__(self) -> str:
        asked = f"<= {self.high:.4g}"
        if np.isfinite(self.low):
            asked = f"{self.low:.4g} to {self.high:.4g}"
        return f"{self.verdict:12}  {self.name}: {self.value:.4g} ({asked})"


def current(results: pd.DataFrame, cell: list[str] = CELL) -> pd.DataFrame:
    """Keep the rows of the newest version of the package in every cell.

    Parameters
    ----------
    results : DataFrame
        What `runner.TABLE.read` returned, or another table with versions.
    cell : list of str
        Columns that name a cell.

    Returns
    -------
    results : DataFrame
    """
    if results.empty:
        return results
    versions = results.groupby(cell)["version"]
    newest = versions.transform(lambda found: max(found, key=Version))
    return results[results["version"] == newest].reset_index(drop=True)


def text(results: pd.DataFrame, defaults: pd.DataFrame) -> str:
    """Write the tables and the bars.

    Parameters
    ----------
    results : DataFrame
        What `runner.TABLE.read` returned.
    defaults : DataFrame
        What `default.TABLE.read` returned.

    Returns
    -------
    text : str
    """
    results = current(results)
    failed = results[results["error"] != ""]
    good = results[results["error"] == ""]
    lines = []
    for group in dict.fromkeys(good["group"]):
        rows = good[good["group"] == group]
        lines += _ALONE.get(group, partial(_group, group))(rows)
    if not defaults.empty:
        lines += _defaults(defaults)
    if not lines:
        lines = ["No results.", ""]
    lines += ["bars", *(f"  {bar}" for bar in bars(good, defaults))]
    if len(failed):
        lines += ["", f"{len(failed)} failed runs"]
    for row in failed.to_dict("records"):
        lines.append(f"  {row['group']} {_cell(row).label()} {row['library']}: {row['error']}")
    return "\n".join(lines)


def bars(results: pd.DataFrame, defaults: pd.DataFrame) -> list[Bar]:
    """List the bars.

    Parameters
    ----------
    results : DataFrame
        Rows without an error, of one version a cell.
    defaults : DataFrame
        What `default.TABLE.read` returned.

    Returns
    -------
    bars : list of Bar
    """
    ours = results[results["library"] == OURS]
    found = [
        *_ratios(ours, "table", "ratio_limit", LIMIT, 1.25),
        *_ratios(ours, "wide", "ratio_torch", BARE, 1.10),
    ]
    found += _gpu(results)
    codes = _select(ours, task=TRANSFORM, **MILLION)
    fits = _select(ours, group="n", task=FIT, **MILLION)
    size = "1,000,000 x 20"
    found += [
        Bar(f"transform {size}, {OURS} / {BARE}", _first(codes, "ratio_torch"), 1.3),
        Bar(f"transform {size}, peak MiB", _first(codes, "peak_mib"), _codes_room(codes)),
        Bar(f"fit {size}, peak / input", _first(fits, "peak_per_input"), 2.2),
        Bar("fit, exponent of n in the seconds an epoch", slope(ours), 1.1, 0.9),
        Bar(f"import, {OURS} / {imports.BASE}", import_ratio(results, imports.BASE), 1.1),
        Bar(f"one row of 30 columns, {serving.ALL}, µs", _microseconds(results), 30.0),
    ]
    compared = default.compare(defaults)
    losers = float((~compared["clears"].astype(bool)).sum()) if len(compared) else np.nan
    asked = f"default, fits of {len(compared)} that no quarter of their seconds beats"
    found.append(Bar(asked, losers, 0))
    return found


def slope(ours: pd.DataFrame) -> float:
    """Fit the exponent of n in the seconds an epoch, from 10,000 to 1,000,000 rows.

    Parameters
    ----------
    ours : DataFrame
        Rows of one library.

    Returns
    -------
    slope : float
        NaN below three sizes.
    """
    rows = _select(ours, group="n", task=FIT)
    rows = rows[rows["n"].between(10_000, 1_000_000)]
    if rows["n"].nunique() < 3:
        return np.nan
    seconds = (rows["seconds_median"] / rows["epochs"]).to_numpy(dtype=float)
    return float(np.polyfit(np.log(rows["n"].to_numpy(dtype=float)), np.log(seconds), 1)[0])


def import_ratio(results: pd.DataFrame, base: str) -> float:
    """Return the seconds of our import over those of what it is built on.

    Parameters
    ----------
    results : DataFrame
        Rows without an error.
    base : str
        A key of `imports.STATEMENTS`.

    Returns
    -------
    ratio : float
        NaN where one of them is missing.
    """
    rows = _select(results, group=imports.GROUP)
    ours, others = _select(rows, library=OURS), _select(rows, library=base)
    return _first(ours, "seconds_median") / _first(others, "seconds_median")


def _ratios(ours: pd.DataFrame, group: str, column: str, other: str, high: float) -> list[Bar]:
    rows = _select(ours, group=group).to_dict("records")
    if not rows:
        return [Bar(f"{group}, {OURS} / {other}", np.nan, high)]
    return [
        Bar(f"{group} {_cell(row).label()}, {OURS} / {other}", float(row[column]), high)
        for row in rows
    ]


def _gpu(results: pd.DataFrame) -> list[Bar]:
    """Bars of the small network on a GPU: its steps, and its seconds over those of others."""
    rows = _select(results, group="gpu", p=9, batch=256).set_index("library")["us_per_batch"]
    ours = rows.get(OURS, np.nan)
    return [
        Bar(f"gpu shuttle, batch 256, {OURS}, microseconds a batch", ours, 80),
        *(
            Bar(f"gpu shuttle, batch 256, {OURS} / {name}", ours / rows.get(name, np.nan), 1 / 8)
            for name in ("skorch", "pyod")
        ),
    ]


def _codes_room(codes: pd.DataFrame) -> float:
    """Return the MiB of rows and codes, and 64 more."""
    k = _first(codes, "k")
    return MILLION["n"] * (MILLION["p"] + (0 if np.isnan(k) else k)) * 4 / _MIB + 64


def _select(results: pd.DataFrame, **values: object) -> pd.DataFrame:
    for column, value in values.items():
        results = results[results[column] == value]
    return results


def _first(rows: pd.DataFrame, column: str) -> float:
    return float(rows[column].iloc[0]) if len(rows) else np.nan


def _cell(row: dict) -> Cell:
    hidden = tuple(int(width) for width in row["hidden"].split("-") if width)
    return Cell(**{name: row[name] for name in CELL} | {"hidden": hidden})


def _group(group: str, rows: pd.DataFrame) -> list[str]:
    labels = [_cell(row).label() for row in rows.to_dict("records")]
    rows = rows.assign(cell=pd.Categorical(labels, list(dict.fromkeys(labels)), ordered=True))
    fit = rows["task"].iloc[0] == FIT
    column, unit = ("us_per_batch", "microseconds a batch") if fit else ("seconds_median", "s")
    lines = _block(rows, column, f"{group}: {unit}", lambda v: f"{v:,.0f}" if fit else f"{v:.4f}")
    for ratio, other in (("ratio_limit", LIMIT), ("ratio_torch", BARE)):
        lines += _block(rows, ratio, f"{group}: seconds over those of {other}", _two_digits)
    lines += _block(rows, "peak_mib", f"{group}: peak MiB", lambda v: f"{v:,.1f}")
    short = rows[rows["rounds"] < rows["rounds"].max()]
    lines += [
        f"  {row.library} ran {row.rounds:.0f} rounds: {row.cell}" for row in short.itertuples()
    ]
    return [*lines, ""] if len(short) else lines


def _block(rows: pd.DataFrame, column: str, title: str, shown: Callable[[float], str]) -> list[str]:
    table = rows.pivot_table(index="cell", columns="library", values=column, observed=True)
    table = table[[name for name in _ORDER if name in table]]
    if table.empty:
        return []
    table = table.rename_axis(index=None, columns=None)
    return [title, table.to_string(float_format=shown, na_rep="-"), ""]


def _imports(rows: pd.DataFrame) -> list[str]:
    lines = ["import: seconds of a fresh process, and ours over them"]
    for row in rows.itertuples():
        ratio = import_ratio(rows, row.library)
        lines.append(f"  {row.library}: {row.seconds_median:.3f} s, {_two_digits(ratio)}")
    return [*lines, ""]


def _servings(rows: pd.DataFrame) -> list[str]:
    lines = [f"serve: microseconds of one row of {serving.DATA}"]
    lines += [f"  {row.library}: {1e6 * row.seconds_median:.1f}" for row in rows.itertuples()]
    return [*lines, ""]


def _microseconds(results: pd.DataFrame) -> float:
    rows = _select(results, group=serving.GROUP, library=serving.ALL)
    return 1e6 * _first(rows, "seconds_median")


# Groups whose rows are no cells.
_ALONE = {imports.GROUP: _imports, serving.GROUP: _servings}


def _defaults(defaults: pd.DataFrame) -> list[str]:
    table = default.compare(defaults)
    lines = [f"default: cells in which {OURS} beats a rival's R² within a quarter of its seconds"]
    for library, rows in table.groupby("library"):
        lines.append(f"  {library}: {rows['clears'].sum()} of {len(rows)} cells")
        lines += [
            f"    loses {row.data} k={row.k}: {row.r2:.4f} in {row.seconds:.2f} s, "
            + ("none so short" if np.isnan(row.r2_ours) else f"ours {row.r2_ours:.4f}")
            for row in rows[~rows["clears"].astype(bool)].itertuples()
        ]
    lines += [
        f"  failed: {row.data} k={row.k} {row.library} {row.max_iter}: {row.error}"
        for row in defaults[defaults["error"] != ""].itertuples()
    ]
    return [*lines, ""]


def _two_digits(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
