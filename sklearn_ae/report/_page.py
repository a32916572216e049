"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from sklearn_ae._version import __version__
from sklearn_ae.data import Categorical, fit_column, read_table
from sklearn_ae.report._findings import Findings
from sklearn_ae.report._search import NAMES, Codes
from sklearn_ae.report._verdicts import formatted

_STYLE = """
:root { --ink: #1d2733; --soft: #5c6b7a; --line: #d9e0e7; --blue: #1f5f99; --paper: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 8px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin: 18px 0; }
p { margin: 8px 0; max-width: 75ch; overflow-wrap: anywhere; }
.verdict { border-left: 4px solid var(--blue); padding-left: 12px; font-weight: 550; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 14px 5px 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; max-width: 22em; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
td.n, th.n { text-align: right; }
th.group { text-align: right; padding-left: 10px; border-bottom: 0; }
td.best { font-weight: 700; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr));
  gap: 14px; }
figure { margin: 10px 0 0; }
img { max-width: 100%; height: auto; display: block; }
ol.rows { padding-left: 1.4em; }
ol.rows > li { margin: 10px 0; overflow-wrap: anywhere; }
ul { padding-left: 1.2em; margin: 6px 0; }
code { background: var(--paper); padding: 1px 5px; border-radius: 4px; font-size: .9em;
  overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--blue); }
@media (max-width: 600px) { section { padding: 14px; } h1 { font-size: 1.35rem; }
  table { font-size: .8rem; } th, td { padding-right: 9px; } }
"""
# Columns that are listed at once, and lines of the table of missing cells.
_COLUMNS, _LINES = 60, 20
_KINDS = {
    "Numeric": "numbers",
    "Count": "counts",
    "Date": "dates",
    "Binary": "two levels",
    "Ordinal": "levels in order",
    "Empty": "no value",
}


def page(found: Findings) -> str:
    """Return the page.

    Parameters
    ----------
    found : Findings
        What is reported.
    """
    title = f"{found.name}: a report"
    sections = [
        _section("Codes beside PCA", _codes(found)),
        _section(f"The {len(found.strange.rows)} strangest rows", _strange(found)),
        _section("Missing cells", _missing(found)),
        _section("What was read", _columns(found)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(found.name)}</h1>\n{_head(found)}\n" + "\n".join(sections) + "\n"
        f'<p class="soft">Written by sklearn-ae {escape(__version__)} in {found.seconds:.0f} s. '
        f"To write it again: <code>{escape(found.command)}</code></p>\n</main>\n</body>\n</html>\n"
    )


def _head(found: Findings) -> str:
    n_columns = found.frame.shape[1]
    facts = [f"{found.n_rows:,} rows", f"{n_columns} columns in use"]
    if found.target is not None:
        kind = "classes" if found.target.task == "classification" else "numbers"
        facts.append(f"target {found.target.name} ({kind})")
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return f'<p class="soft">{escape(", ".join(facts))}</p>' + (
        f"<ul>{notes}</ul>" if notes else ""
    )


def _codes(found: Findings) -> str:
    codes = found.codes
    caption = (
        "Means over held-out folds. What is kept of a column is R² for numbers and dates, and "
        "Cohen's kappa for text: 1 if all comes back from the code, 0 if no more than the best "
        "constant. Columns count equally. PCA sees numbers in standard units and text as "
        "indicators; ours is the autoencoder, which reads the table as it is."
    )
    of = "" if codes.k <= 2 else f", the first two of {codes.k}"
    pictures = [
        f'<div>{_codes_table(codes)}<p class="soft">{escape(caption)}</p></div>',
        _picture(found, "losses", "Losses of the fit to all rows, and the epoch that was kept"),
        _picture(found, "pca", f"Codes of PCA{of}"),
        _picture(found, "autoencoder", f"Codes of the autoencoder{of}"),
    ]
    return f'{_verdict(found.verdicts()["codes"])}<div class="pair">{"".join(pictures)}</div>'


def _codes_table(codes: Codes) -> str:
    measures = {"kept": "kept of a column"}
    if codes.decides == "predicted":
        measures["predicted"] = codes.measure
    wide = codes.table.pivot(index="k", columns="name")
    groups = [*measures.values(), "seconds of a fit"]
    head = "".join(f'<th class="group" colspan="2">{escape(word)}</th>' for word in groups)
    names = "".join(f'<th class="n">{name}</th>' for _ in groups for name in ("PCA", "ours"))
    lines = []
    for k in wide.index:
        cells = [_cell(str(k), "n")]
        for measure in measures:
            pair = [float(wide.loc[k, (measure, name)]) for name in NAMES]
            best = np.nanmax(pair) if np.isfinite(pair).any() else np.nan
            cells += [
                _cell(formatted(v), "n best" if f"{v:.3f}" == f"{best:.3f}" else "n") for v in pair
            ]
        cells += [_cell(formatted(wide.loc[k, ("seconds", name)], 2), "n") for name in NAMES]
        lines.append("".join(cells))
    return _framed(f'<tr><th></th>{head}</tr><tr><th class="n">k</th>{names}</tr>', lines)


def _strange(found: Findings) -> str:
    items = []
    for row in found.strange.rows:
        reasons = found.strange.reasons[found.strange.reasons["row"] == row]
        named = ", ".join(
            f"{name}: {_shown(found.names.loc[row, name])}" for name in found.names.columns
        )
        lines = [
            f"<li><b>{escape(str(r.feature))}</b> is {escape(_shown(r.observed))}; "
            f"{escape(_shown(r.expected))} would be typical ({r.share:.0%} of its strangeness)</li>"
            for r in reasons.itertuples()
        ]
        far = found.strange.together.get(row, [])
        if far:
            cells = ", ".join(f"{n} {_shown(held)} (median {_shown(m)})" for n, held, m in far)
            lines.append(f"<li>several cells together, such as {escape(cells)}</li>")
        what = "".join(lines) or "<li>no single cell makes it so</li>"
        title = f"Row {row:,}" + (f" ({named})" if named else "")
        items.append(f"<li>{escape(title)}<ul>{what}</ul></li>")
    return (
        _verdict(found.verdicts()["strange"])
        + '<p class="soft">Rows are counted from 0, the first row below the names.</p>'
        + f'<div class="pair"><ol class="rows">{"".join(items)}</ol>'
        + _picture(found, "reasons", "What the strangest rows hold; dark cells are the reasons")
        + "</div>"
    )


def _missing(found: Findings) -> str:
    missing = found.missing
    errors = missing.errors.assign(some=missing.errors[missing.imputers].notna().any(axis=1))
    errors = errors[errors["some"] | (errors["missing"] > 0)]
    errors = errors.sort_values("missing", ascending=False, kind="stable")
    names = [name.removesuffix("Imputer") for name in missing.imputers[1:]]
    head = ["column", "missing", "ours", *names]
    lines = []
    for _, row in errors.head(_LINES).iterrows():
        values = [float(row[name]) for name in missing.imputers]
        best = np.nanmin(values) if np.isfinite(values).any() else np.nan
        cells = [_cell(str(row["column"])), _cell(f"{row['missing']:,}", "n")]
        cells += [
            _cell(
                f"{v:.0%}" if row["text"] and np.isfinite(v) else formatted(v, 2),
                "n best" if v == best else "n",
            )
            for v in values
        ]
        lines.append("".join(cells))
    left = f" The other {len(errors) - _LINES} are not shown." if len(errors) > _LINES else ""
    caption = (
        "Errors at hidden cells: numbers and dates in standard deviations of their column, text "
        "as the share that is filled wrongly. The least of a line is bold. Ours is "
        f"AutoencoderImputer, the other imputers are scikit-learn's.{left}"
    )
    filled = "".join(
        f"<li>row {row.row:,}, <b>{escape(str(row.column))}</b>: {escape(_shown(row.filled))}</li>"
        for row in missing.filled.itertuples()
    )
    examples = f"<p>Filled in, for example:</p><ul>{filled}</ul>" if filled else ""
    return (
        _verdict(found.verdicts()["missing"])
        + _table(head, lines, numeric=True)
        + f'<p class="soft">{escape(caption)}</p>'
        + examples
    )


def _columns(found: Findings) -> str:
    lines = []
    for name in found.frame.columns[:_COLUMNS]:
        column = found.frame[name]
        held = column.dropna()
        cells = [_cell(str(name)), _cell(_kind(column))]
        cells.append(_cell(f"{int(column.isna().sum()):,}", "n"))
        cells.append(_cell(f"{held.nunique():,}", "n"))
        cells.append(_cell(_shown(held.iloc[0]) if len(held) else "–"))
        lines.append("".join(cells))
    n_more = found.frame.shape[1] - _COLUMNS
    more = f'<p class="soft">And {n_more} further columns.</p>' if n_more > 0 else ""
    table = _table(["column", "read as", "missing", "different", "for example"], lines)
    left = "".join(
        f"<li><b>{escape(str(name))}</b>: {escape(reason)}</li>"
        for name, reason in found.identifiers.items()
    )
    out = f"<p>Left out of the models, since they name rows:</p><ul>{left}</ul>" if left else ""
    return f"{out}<details open><summary>Columns</summary>{table}{more}</details>"


def _kind(column: pd.Series) -> str:
    read = fit_column(read_table(column.to_frame())[0], categorical=False, numeric_map=None)
    if not isinstance(read, Categorical):
        return _KINDS[type(read).__name__]
    rare = read.infrequent is not None
    if len(read.levels) == 0:
        return "text, rare levels only"
    return f"text, {len(read.levels)} levels{' and rare ones' if rare else ''}"


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _verdict(sentences: Sequence[str]) -> str:
    first, *others = sentences
    return f'<p class="verdict">{escape(first)}</p>' + "".join(
        f"<p>{escape(s)}</p>" for s in others
    )


def _picture(found: Findings, name: str, caption: str) -> str:
    data = base64.b64encode(found.pictures.parts[name]).decode()
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _table(head: Sequence[str], lines: Iterable[str], *, numeric: bool = False) -> str:
    cells = "".join(
        f'<th class="{"n" if numeric and i else ""}">{escape(word)}</th>'
        for i, word in enumerate(head)
    )
    return _framed(f"<tr>{cells}</tr>", lines)


def _framed(head: str, lines: Iterable[str]) -> str:
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _cell(text: str, css: str = "") -> str:
    return f'<td class="{css}">{escape(text)}</td>'


def _shown(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value)
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
