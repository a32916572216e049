"""Pictures of strange rows say what the reasons say."""

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, RecurrentAutoencoder
from sklearn_ae.inspection import AnomalyDisplay

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)
NAMES = list("abcd")
X = pd.DataFrame(
    RNG.normal(size=(60, 1)) @ np.ones((1, 4)) + RNG.normal(size=(60, 4)) / 20,
    columns=NAMES,
    index=range(100, 160),
)
X.iloc[7, 2] = 9.0


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    return Autoencoder(1, max_iter=0, random_state=0).fit(X.drop(index=107))


def test_a_heat_map_has_the_strangest_rows_and_their_columns(fitted):
    display = AnomalyDisplay.from_estimator(fitted, X)
    scores = fitted.score_samples(X)
    assert_array_equal(display.scores, scores)
    assert_array_equal(display.rows, np.argsort(scores)[:10])
    assert display.rows[0] == 7
    [image] = display.ax_.get_images()
    columns = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert image.get_array().shape == (10, len(columns))
    for reason in display.reasons.itertuples():
        line = display.rows.tolist().index(reason.row)
        assert image.get_array()[line, columns.index(reason.feature)] == reason.share
    assert image.get_array().sum() == pytest.approx(display.reasons["share"].sum())
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == [str(r) for r in display.rows]
    assert "9" in [text.get_text() for text in display.ax_.texts]
    assert display.ax_.figure is display.figure_


def test_a_row_has_what_was_observed_and_expected(fitted):
    display = AnomalyDisplay.from_estimator(fitted, X, kind="reasons", color="red")
    first = display.reasons.iloc[0]
    assert display.ax_.get_yticklabels()[0].get_text() == "c"
    assert display.ax_.patches[0].get_width() == first["share"] > 0.9
    assert display.ax_.patches[0].get_facecolor()[:3] == (1, 0, 0)
    text = f"9 observed, {first['expected']:.5g} expected"
    assert display.ax_.texts[0].get_text() == text
    assert "row 7" in display.ax_.get_title()
    other = display.plot("reasons", row=int(display.rows[3]))
    assert f"row {display.rows[3]}" in other.ax_.get_title()


def test_a_typical_row_says_so(fitted):
    best = int(fitted.score_samples(X).argmax())
    display = AnomalyDisplay.from_estimator(fitted, X, kind="reasons", rows=[best])
    assert len(display.ax_.patches) == 0
    assert "typical" in display.ax_.texts[0].get_text()
    assert display.plot("heatmap").ax_.get_images()[0].get_array().sum() == 0


def test_p_values_are_those_given_or_those_of_the_estimator(fitted):
    given = RNG.uniform(size=60)
    display = AnomalyDisplay.from_estimator(fitted, X, kind="p_values", p_values=given, bins=10)
    heights = [patch.get_height() for patch in display.ax_.patches]
    assert_array_equal(heights, np.histogram(given, 10, (0, 1))[0])
    assert display.ax_.lines[0].get_ydata()[0] == 6

    class WithPValues(Autoencoder):
        """Has p-values of a kind."""

        def p_values(self, X):
            return np.linspace(0, 1, len(X))

    other = WithPValues(1, max_iter=0, random_state=0).fit(X)
    assert_array_equal(
        AnomalyDisplay.from_estimator(other, X, kind="p_values").p_values, np.linspace(0, 1, 60)
    )


def test_axes_are_taken_and_rows_chosen(fitted):
    _, axes = plt.subplots(1, 2)
    display = AnomalyDisplay.from_estimator(fitted, X, rows=[7, 3], n_reasons=1, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.rows[0] == 7
    assert set(display.rows) == {3, 7}
    assert display.reasons.groupby("row").size().max() == 1


def test_sparse_rows_and_sequences():
    rows = sparse.csr_array(np.where(X.to_numpy() > 0, X.to_numpy(), 0))
    table = Autoencoder(1, max_iter=0, random_state=0).fit(rows)
    assert AnomalyDisplay.from_estimator(table, rows).rows[0] == 7
    waves = [np.sin(np.arange(8 + i % 3) / 2 + i) for i in range(30)]
    waves[4][5] = 20.0
    long = pd.concat(pd.DataFrame({"id": i, "u": wave}) for i, wave in enumerate(waves))
    options = {"max_iter": 1, "random_state": 0}
    for given, own in ((waves, {}), (long, {"sequence_id": "id"})):
        fitted = RecurrentAutoencoder(2, **options, **own).fit(given)
        display = AnomalyDisplay.from_estimator(fitted, given, rows=[4, 2])
        assert set(display.reasons["row"]) == {2, 4}
        assert display.reasons.groupby("row")["feature"].first()[4] == 5


def test_what_cannot_be_drawn_is_said(fitted):
    with pytest.raises(ValueError, match="kind='pie' is unknown; use one of 'heatmap'"):
        AnomalyDisplay.from_estimator(fitted, X, kind="pie")
    with pytest.raises(ValueError, match="pass p_values="):
        AnomalyDisplay.from_estimator(fitted, X, kind="p_values")
    display = AnomalyDisplay.from_estimator(fitted, X, rows=[7])
    with pytest.raises(ValueError, match=r"row=3 is none of .* \[7\]; pass rows=\[3\]"):
        display.plot("reasons", row=3)
    for rows in ([], [60], [-1], [0.5], [[1]]):
        with pytest.raises(ValueError, match="from 0 to 59"):
            AnomalyDisplay.from_estimator(fitted, X, rows=rows)
    pipeline = make_pipeline(StandardScaler(), Autoencoder(1, max_iter=0)).fit(X)
    with pytest.raises(TypeError, match=r"no method explain.*last step"):
        AnomalyDisplay.from_estimator(pipeline, X)


def test_without_matplotlib_the_extra_is_named(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ae\[plot\]"'):
        AnomalyDisplay.from_estimator(fitted, X)


@pytest.mark.parametrize("p", [[0.1, 0.2], np.full(60, 3.0), np.full(60, np.nan)])
def test_p_values_of_other_rows_or_out_of_range_are_refused(fitted, p):
    with pytest.raises(ValueError, match="p_values"):
        AnomalyDisplay.from_estimator(fitted, X, kind="p_values", p_values=p)
