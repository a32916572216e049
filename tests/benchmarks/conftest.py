"""A data folder with a few images, sequences, rows of a table and outliers."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from benchmarks import data

# Rows of the parts of sets of binary rows.
SPLIT = {"train": 200, "valid": 60, "test": 100}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder: images, sequences, tables, outliers, long series, ratings, points."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "sequences").mkdir()
    (tmp_path / "tables").mkdir()
    (tmp_path / "anomaly").mkdir()
    rows = ["PassengerId,Survived,Age,Fare,SibSp,Sex"]
    rows += [f"{i},{i % 2},{20 + i},{7.5 * i},{i % 3},{'fm'[i % 2]}" for i in range(60)]
    (tmp_path / "tables" / "titanic.csv").write_text("\n".join(rows))
    wine = load_wine()
    np.savez(tmp_path / "anomaly" / "wine.npz", X=wine.data, y=wine.target == 0)
    np.savez(tmp_path / "anomaly" / "glass.npz", X=np.tile(np.arange(40.0), (7, 1)).T, y=[0] * 40)
    pixels = (load_digits().images[:60] * 15.9375).astype(np.uint8)
    np.savez(tmp_path / "images" / "mnist_5k.npz", X=pixels, y=np.repeat(range(10), 6))
    for name in ("JapaneseVowels", "BasicMotions", "ItalyPowerDemand"):
        arrays = {}
        for part, n, longest in (("train", 24, 12), ("test", 10, 14)):
            y = np.arange(n) % 2
            lengths = rng.integers(9, longest, size=n)
            lengths[-1] = longest
            rows = [_wave(length, label, rng) for length, label in zip(lengths, y, strict=True)]
            arrays |= {
                f"values_{part}": np.vstack(rows).astype(np.float32),
                f"lengths_{part}": lengths,
                f"y_{part}": y,
            }
        np.savez(tmp_path / "sequences" / f"{name}.npz", **arrays)
    (tmp_path / "binary").mkdir()
    bits = np.random.default_rng(1)
    for name in ("dna", "mushrooms"):
        parts = {part: bits.random((n, 5)) < 0.4 for part, n in SPLIT.items()}
        for rows in parts.values():
            rows[:, 3] = rows[:, 1] ^ (bits.random(len(rows)) < 0.1)
        arrays = {part: rows.astype(np.uint8) for part, rows in parts.items()}
        np.savez(tmp_path / "binary" / f"{name}.npz", **arrays)
    (tmp_path / "series").mkdir()
    for name in data.SERIES:
        X = np.sin(np.arange(300.0) * np.pi / 10)[:, None] + 0.1 * rng.normal(size=(300, 1))
        y = np.isin(np.arange(300), [200, 250, 251])
        np.savez(tmp_path / f"{name}.npz", X=X + 4 * y[:, None], y=y)
    (tmp_path / "ratings").mkdir()
    for name in data.RATINGS:
        pairs = [f"{i}\t{j}\t5\n" for i in range(60) for j in rng.permutation(15)[:8]]
        (tmp_path / f"{name}.tsv").write_text("user_id:token\titem_id\trating\n" + "".join(pairs))
    (tmp_path / "manifolds").mkdir()
    points = rng.random((40, 3))
    np.savetxt(tmp_path / f"{data.MAMMOTH}.csv", points, "%g", ",", header="0,1,2", comments="")
    monkeypatch.setenv(data.ENVIRONMENT_VARIABLE, str(tmp_path))
    return tmp_path


def _wave(length, label, rng):
    steps = np.arange(length)[:, None] / (2 + label) + rng.normal(scale=0.3, size=2)
    return 5 * label + np.sin(steps) * [1, 3]
