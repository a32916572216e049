"""What is wrong with a source, or with where its answers go, is said; nothing half is left."""

import errno
import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader

from sklearn_ae import Autoencoder, AutoencoderImputer
from sklearn_ae.sources import Blocks, _opening, _out, _writing, apply_in_blocks, apply_to_file

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 3)), columns=list("abc"))


@pytest.fixture(scope="module")
def model():
    return Autoencoder(2, max_iter=1, random_state=0).fit(FRAME)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "rows"
    folder.mkdir()
    for i in range(3):
        FRAME.to_parquet(folder / f"{i}.parquet")
    return folder


def refused(X, match, error=ValueError, **given):
    autoencoder = Autoencoder(2, max_iter=0)
    with pytest.raises(error, match=match):
        autoencoder.fit(X, **given)
    assert not hasattr(autoencoder, "n_components_")


def test_a_file_of_other_columns_is_named(files):
    FRAME.rename(columns={"c": "d"}).to_parquet(files / "1.parquet")
    refused(files, r"1\.parquet' has other columns.*lacks \['c'\].*besides \['d'\]")


def test_a_column_of_another_type_is_named(files):
    FRAME.astype({"b": str}).to_parquet(files / "2.parquet")
    refused(files, r"Column 'b' is of type .*string in the file '.*2\.parquet', and of double in")


def test_a_truncated_file_is_named(files):
    whole = (files / "1.parquet").read_bytes()
    (files / "1.parquet").write_bytes(whole[: len(whole) // 2])
    refused(files, r"1\.parquet' cannot be read .*not written to its end")
    (files / "1.parquet").write_bytes(b"PAR1" + b"0" * 9000 + whole[9004:])
    refused(files, r"1\.parquet' cannot be read")


def test_an_empty_file_and_a_missing_one_are_named(files):
    (files / "1.parquet").write_bytes(b"")
    refused(files, r"1\.parquet' is empty; leave it out")
    refused(files / "9.parquet", r"9\.parquet' names no file", FileNotFoundError)
    FRAME[:0].to_parquet(files / "none.parquet")
    refused(str(files / "none.parquet"), "a source of no rows")


def test_files_of_several_formats_are_told_apart(files):
    (files / "notes.txt").write_text("rows")
    refused(files, r"files of one format whose names end with \.parquet")


def test_a_source_that_changes_is_refused(monkeypatch):
    monkeypatch.setattr(_opening, "EXPANDED_CELLS", 0)
    left = iter(range(2, 20))
    refused(Blocks(lambda: iter([FRAME] * next(left))), r"yielded \d+ rows at first, and \d+ when")
    kinds = [FRAME.assign(c="x"), FRAME]
    refused(Blocks(lambda: iter(kinds)), "Column 'c' of X is of text in the first .* numbers in")
    kinds = [FRAME, FRAME[["a", "b"]]]
    refused(Blocks(lambda: iter(kinds)), r"columns \['a', 'b'\], and the first one has \['a', 'b',")
    refused(DataLoader(FRAME.to_numpy(), 100, shuffle=True), "set shuffle=False")
    refused(Blocks([FRAME]), r"column 'w' was named.*has the columns \['a'", sample_weight="w")
    refused(Blocks([FRAME]), "not negative", sample_weight="a")
    refused(Blocks([FRAME]), "condition was given", TypeError, condition="a")
    refused(Blocks([[1, 2]]), "let it yield", TypeError)


def test_a_full_folder_of_temporary_files_is_named(monkeypatch):
    from sklearn_ae.sources import _spool

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_opening, "EXPANDED_CELLS", 0)
    monkeypatch.setattr(_spool, "_file", Full)
    refused(Blocks([FRAME]), r"folder of temporary files.*is full.*TMPDIR", OSError)


def test_answers_come_in_blocks_as_one_and_as_a_file(model, files, tmp_path):
    path = files / "0.parquet"
    extra = pl.scan_parquet(path).select("c", pl.lit("x").alias("note"), "b", "a")
    expected = model.transform(FRAME)
    assert_array_equal(model.transform(extra), expected)
    blocks = list(apply_in_blocks(model, path, batch_size=600))
    assert [len(block) for block in blocks] == [600, 600, 600, 200]
    np.testing.assert_allclose(np.concatenate(blocks), expected, rtol=1e-12, atol=1e-12)
    for method, names in [
        ("transform", ["autoencoder0", "autoencoder1"]),
        ("score_samples", ["score"]),
        ("reconstruct", ["a", "b", "c"]),
    ]:
        for end in ("parquet", "feather", "csv"):
            out = tmp_path / f"out.{end}"
            assert apply_to_file(model, path, out, method, batch_size=900) == len(FRAME)
            read = getattr(pd, f"read_{end}")
            found, whole = read(out), np.asarray(getattr(model, method)(FRAME))
            assert list(found) == names
            np.testing.assert_allclose(found.to_numpy().reshape(whole.shape), whole)
    assert_array_equal(model.predict(path), model.predict(FRAME))
    assert model.score(path) == pytest.approx(model.score(FRAME))
    assert sum(map(len, model.iter_reconstruct(path, batch_size=500))) == len(FRAME)
    pipe = make_pipeline(StandardScaler(), Autoencoder(2, max_iter=0)).fit(FRAME.to_numpy())
    assert sum(map(len, apply_in_blocks(pipe, Blocks([FRAME.to_numpy()])))) == len(FRAME)


def test_nothing_half_is_left_where_output_was(model, files, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    apply_to_file(model, FRAME, out)
    before = out.read_bytes()

    def full(self, table):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_writing.ParquetWriter, "write", full)
        with pytest.raises(OSError, match=r"The disk is full .*out\.parquet"):
            apply_to_file(model, files, out)
    (files / "2.parquet").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"2\.parquet"):
        apply_to_file(model, files, out)
    assert out.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.parquet", "rows"]
    with pytest.raises(ValueError, match=r"ends with '\.txt'; give it one of the endings"):
        apply_to_file(model, FRAME, tmp_path / "out.txt")


def test_answers_that_are_too_large_point_to_blocks(model, monkeypatch):
    monkeypatch.setattr(_out, "LARGEST", 1000)
    with pytest.raises(ValueError, match=r"apply_in_blocks\(model, X, 'transform'\)"):
        model.transform(Blocks([FRAME]))
    with pytest.raises(ValueError, match=r"lacks the columns \['c'\]"):
        model.transform(Blocks([FRAME[["a", "b"]]]))
    with pytest.raises(ValueError, match="method='fit' must be one of"):
        apply_in_blocks(model, FRAME, "fit")


def test_who_takes_no_source_says_so_by_name(files):
    imputer = AutoencoderImputer(max_iter=0).fit(FRAME)
    with pytest.raises(TypeError, match=r"given to AutoencoderImputer.*apply_in_blocks"):
        imputer.transform(files / "0.parquet")
    assert next(apply_in_blocks(imputer, files / "0.parquet")).shape == FRAME.shape
