"""Answers are not written over what they answer for, and damage is seen."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from sklearn_ae import Autoencoder
from sklearn_ae.sources import apply_to_file

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rows"
    folder.mkdir()
    ROWS.to_parquet(folder / "0.parquet")
    ROWS.to_parquet(folder / "1.parquet")
    return folder


@pytest.fixture(scope="module")
def model():
    return Autoencoder(1, max_iter=0).fit(ROWS)


def test_a_file_of_the_source_is_not_written_over(folder, model):
    first = folder / "0.parquet"
    for source in (folder, str(folder), first, pa.dataset.dataset(folder)):
        with pytest.raises(ValueError, match="among the files that the rows of X come from"):
            apply_to_file(model, source, first)
    assert list(pd.read_parquet(first)) == list("abc")


def test_answers_do_not_become_rows(folder, model):
    with pytest.raises(ValueError, match="write to another folder"):
        apply_to_file(model, folder, folder / "new.parquet", "reconstruct")
    assert apply_to_file(model, folder / "0.parquet", folder / "new.parquet") == len(ROWS)


def test_a_folder_that_is_not_there_is_named(folder, model):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*does not exist; make it first"):
        apply_to_file(model, folder / "0.parquet", folder / "nowhere" / "a.csv")


def test_sums_of_pages_are_checked(folder, model):
    path = folder / "0.parquet"
    table = pa.Table.from_pandas(ROWS)
    options = {"write_page_checksum": True, "use_dictionary": False, "compression": "none"}
    pq.write_table(table, path, **options)
    damaged = bytearray(path.read_bytes())
    damaged[300] ^= 64
    path.write_bytes(damaged)
    with pytest.raises((ValueError, OSError), match=r"0\.parquet"):
        model.transform(path)
