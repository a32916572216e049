"""The command: a page on any table, models for new rows, and errors of one line."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import sklearn_ae
from sklearn_ae import AutoencoderImputer, AutoencoderOutlierDetector
from sklearn_ae.cli import main
from sklearn_ae.report import (
    InputError,
    Table,
    TableEncoder,
    _missing,
    _run,
    _search,
    _strange,
    read_file,
)
from sklearn_ae.report._kept import KeptShare


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Estimators of few epochs, and two sizes of codes."""

    few = {"max_iter": 1, "hidden_layer_sizes": (8,), "validation_fraction": 0.5}
    one = sklearn_ae.Autoencoder(1, **few)
    monkeypatch.setattr(_search, "Autoencoder", partial(sklearn_ae.Autoencoder, **few))
    monkeypatch.setattr(_search, "N_COMPONENTS", (1, 2))
    monkeypatch.setattr(_search, "N_FOLDS", 2)
    monkeypatch.setattr(_run, "N_FOLDS", 2)
    monkeypatch.setattr(_strange, "N_ROWS", 2)
    monkeypatch.setattr(_strange, "N_REASONS", 1)
    detector = partial(AutoencoderOutlierDetector, one, n_estimators=2)
    monkeypatch.setattr(_strange, "AutoencoderOutlierDetector", detector)
    monkeypatch.setattr(_missing, "AutoencoderImputer", partial(AutoencoderImputer, max_iter=1))


def people(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, n)
    days = group * 90 + rng.integers(0, 9, n)
    frame = pd.DataFrame(
        {
            "customer_id": rng.permutation(n),
            "city": np.array(["Ulm", "Bonn", "Kiel"])[group],
            "income": np.exp(rng.normal(size=n) + group).round(2),
            "children": rng.poisson(group),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D"),
            "owner": group > 1,
            "spends": (group + rng.normal(size=n)).round(3),
        }
    )
    frame.loc[:5, "income"] = np.nan
    frame.loc[7:9, "city"] = None
    return frame


def page_of(folder) -> str:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("data:image/png;base64,") == 4
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    return page


def test_a_table_of_every_kind_with_a_target_of_text(tmp_path, capsys):
    frame = people()
    lines = frame.to_csv(sep=";", decimal=",", date_format="%d.%m.%Y", index=False)
    (tmp_path / "people.csv").write_text(lines)
    model = tmp_path / "model.skops"
    call = [str(tmp_path / "people.csv"), "--target", "city", "--output", str(tmp_path / "out")]
    assert main(["report", *call, "--model", str(model), "--jobs", "1"]) == 0
    page = page_of(tmp_path / "out")
    for name in frame.columns:
        assert name in page
    assert "<b>customer_id</b>: called an id" in page
    assert "3 rows without a value of city" in page
    for kind in ("counts", "dates", "two levels"):
        assert f'<td class="">{kind}</td>' in page
    told = capsys.readouterr()
    assert re.search(
        r"To predict city, (PCA is the better choice|take the autoencoder)\.", told.out
    )
    assert "100%  Done" in told.err

    # The saved pipeline predicts, and gives the codes that it predicts from.
    for suffix, method in {"csv": "predict", "parquet": "transform"}.items():
        out = tmp_path / f"new.{suffix}"
        words = ["transform", str(model), str(tmp_path / "people.csv"), str(out)]
        assert main([*words, "--method", method]) == 0
        read = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
        assert len(read) == len(frame)
        if method == "predict":
            assert set(read["prediction"]) <= {"Ulm", "Bonn", "Kiel"}
        else:
            assert list(read.columns) == [f"component_{i}" for i in range(read.shape[1])]
            assert np.isfinite(read.to_numpy()).all()


def test_a_part_of_a_file_is_read_as_the_model_was_fitted(tmp_path, monkeypatch):
    frame = people()
    frame["since"] = frame["since"].where(frame.index > 20)
    frame["city"] = frame["city"].map({"Ulm": "07", "Bonn": "x", "Kiel": "8"})
    path, model = tmp_path / "people.parquet", tmp_path / "model.skops"
    frame.to_csv(tmp_path / "people.csv", index=False)
    frame.to_parquet(path)
    rows = read_file(path).drop(columns="customer_id")
    fitted = sklearn_ae.Autoencoder(2, max_iter=1, random_state=0).fit(rows)
    from sklearn_ae.cli import _models, _transform

    _models.save(fitted, model)
    monkeypatch.setattr(_transform, "ROWS", 7)
    for source in (path, tmp_path / "people.csv"):
        for method in ("transform", "score_samples", "reconstruct"):
            out = tmp_path / f"{source.suffix[1:]}.csv"
            assert main(["transform", str(model), str(source), str(out), "--method", method]) == 0
            expected = getattr(fitted, method)(rows)
            written = read_file(out)
            if method == "reconstruct":
                assert list(written.columns) == list(rows.columns)
                assert written["city"].tolist() == expected["city"].tolist()
            else:
                values = expected.reshape(len(rows), -1)
                np.testing.assert_allclose(written.to_numpy(), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["all text", "wide", "numbers"])
def test_other_tables(tmp_path, kind):
    rng = np.random.default_rng(0)
    if kind == "all text":
        letters = np.array(list("abc"))
        frame = pd.DataFrame(letters[rng.integers(0, 3, (50, 3))], columns=["x", "y", "z"])
        frame["w"] = frame["x"] + "<b>"
    elif kind == "wide":
        values = rng.normal(size=(80, 4)) @ rng.normal(size=(4, 300))
        frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(300)])
    else:
        frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc")).round(3)
        frame["empty"], frame["same"] = np.nan, 1
    frame.to_csv(tmp_path / "table.csv", index=False)
    target = ["--target", "c"] if kind == "numbers" else []
    call = [str(tmp_path / "table.csv"), *target, "--output", str(tmp_path / "out")]
    assert main(["report", *call, "--jobs", "1"]) == 0
    page = page_of(tmp_path / "out")
    assert ("PCA is the better choice" in page) or ("take the autoencoder" in page)
    if kind == "all text":
        assert "&lt;b&gt;" in page
        assert "<b>a" not in page.replace("&lt;", "")


def test_many_rows_are_drawn_with_their_targets():
    frame = people(400)
    table = Table(frame, "people", target="spends", max_rows=50)
    assert len(table.frame) == 50
    rows = table.frame.index[table.target.rows]
    np.testing.assert_array_equal(table.target.y, frame["spends"][rows])
    assert "50 of 400 rows were drawn" in table.notes[0]


def test_columns_that_are_far_out_together_are_named(monkeypatch):
    frame = people(40)[["city", "income", "since", "spends"]]
    frame.loc[3, "since"] = pd.Timestamp("2031-01-01")
    frame.loc[3, "income"], frame.loc[3, "spends"] = np.nan, 99.0
    monkeypatch.setattr(_strange, "N_REASONS", 3)
    far = {name: cells for name, *cells in _strange._farthest_out(frame, 3)}
    assert set(far) == {"spends", "since"}
    assert far["spends"] == [99.0, frame["spends"].median()]
    assert _strange._farthest_out(frame.assign(spends=0.0, since=frame["since"][0]), 3) == []


def test_a_column_without_a_kind_is_named():
    frame = people(30).assign(took=pd.to_timedelta(np.arange(30), unit="h"))
    with pytest.raises(InputError, match="'took' of X has dtype timedelta64"):
        Table(frame, "people")


BAD = {
    "no such file": (None, [], "does not exist; pass the path"),
    "empty": ("", [], "is empty"),
    "one column": ("a\n" + "1\n" * 30, [], "has the column 'a' only"),
    "one row": ("a,b\n1,2\n", [], "has 1 row; a report needs 20"),
    "binary": ("\0\1", [], "is not text"),
    "unknown target": ("CSV", ["--target", "incomes"], "did you mean 'income'?"),
    "empty target": ("a,b,c\n" + "1,2,\n" * 30, ["--target", "c"], "no value in any row"),
    "only identifiers": ("IDS", [], "name, code name rows"),
    "few rows": ("CSV", ["--max-rows", "3"], "--max-rows 3 is too few"),
    "output": ("CSV", ["--output", "people.csv/out"], "--output people.csv/out cannot be made"),
    "model in place of rows": ("CSV", ["--model", "people.csv"], "is no file of skops"),
    "model": ("CSV", ["--model", "people.csv/m.skops"], "cannot be made"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_an_error_of_one_line(tmp_path, monkeypatch, capsys, bad):
    text, options, words = BAD[bad]
    monkeypatch.chdir(tmp_path)
    people(30).to_csv("people.csv", index=False)
    path = tmp_path / "people.csv"
    if text == "IDS":
        text = "name,code\n" + "".join(f"n{i},c{i}\n" for i in range(30))
    if text is None:
        path = tmp_path / "other.csv"
    elif text != "CSV":
        path.write_text(text)
    assert main(["report", str(path), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_what_transform_refuses(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = people(30)
    frame.to_csv("people.csv", index=False)
    frame.drop(columns="income").to_csv("less.csv", index=False)
    (tmp_path / "no.skops").write_text("no")
    from sklearn_ae.cli import _models

    _models.save(make_pipeline(TableEncoder(), PCA(2)).fit(frame), tmp_path / "m.skops")
    (tmp_path / "sub").mkdir()
    for words, expected in {
        ("m.skops", "people.csv", "sub/../people.csv"): "is a file that is read",
        ("no.skops", "people.csv", "out.csv"): "no.skops cannot be loaded",
        ("x.skops", "people.csv", "out.csv"): "x.skops does not exist",
        ("m.skops", "less.csv", "out.csv"): "no column 'income'",
        ("m.skops", "people.csv", "out.txt"): "use .parquet",
        ("m.skops", "people.csv", "people.csv"): "is a file that is read",
        ("m.skops", "people.csv", "out.csv", "--method", "predict"): "use --method transform",
    }.items():
        assert main(["transform", *words]) == 2
        assert expected in capsys.readouterr().err


def test_the_encoder_gives_a_table_back():
    frame = people().drop(columns="customer_id")
    encoder = TableEncoder(fill=False).fit(frame)
    numbers = encoder.transform(frame)
    back = encoder.inverse_transform(numbers)
    held = frame.notna()
    assert (back.dtypes == frame.dtypes).all()
    for name in frame:
        expected = frame.loc[held[name], name].reset_index(drop=True)
        found = back.loc[held[name].to_numpy(), name].reset_index(drop=True)
        pd.testing.assert_series_equal(found, expected, rtol=1e-6)
    variances = [np.nanvar(numbers[:, span], axis=0).sum() for span in encoder._columns.spans]
    np.testing.assert_allclose(variances, 1)
    assert np.isfinite(TableEncoder().fit_transform(frame)).all()


def test_what_is_kept_is_one_for_all_and_zero_for_a_constant():
    frame = people().drop(columns="customer_id")
    kept = KeptShare(frame)
    np.testing.assert_allclose(kept.of_columns(frame, frame), 1)
    constant = frame.copy()
    for name in ("income", "children", "spends"):
        constant[name] = frame[name].mean()
    constant["since"] = frame["since"].mean()
    for name in ("city", "owner"):
        constant[name] = frame[name].mode()[0]
    np.testing.assert_allclose(kept.of_columns(frame, constant), 0, atol=1e-9)
    swapped = frame.assign(owner=~frame["owner"])
    assert kept.of_columns(frame, swapped)[4] < 0


def test_the_search_holds_scikit_learns_own_pca_and_our_estimator():
    frame = people().drop(columns="customer_id")
    train, _ = train_test_split(frame, random_state=0)
    search = _search.make_search(train, None, 0, KeptShare(train))
    names = {type(choice["reduce"][0]).__name__ for choice in search.param_grid}
    assert names == {"PCA", "Autoencoder"}
    assert search.param_grid[1]["read"] == ["passthrough"]
    pipeline = search.estimator.set_params(reduce=PCA(2)).fit(train)
    assert 0 < KeptShare(frame)(pipeline, train) < 1
