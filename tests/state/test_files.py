"""Files of every format that a release has written still load, and answer as they did."""

from __future__ import annotations

import warnings

import joblib
import numpy as np
import pytest
import skops.io
from packaging.version import Version
from sklearn import __version__ as sklearn_version
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_ae
from sklearn_ae.state import FORMAT
from tests.state.models import KINDS, answers, rows
from tests.state.test_plain import ESTIMATORS
from tests.state.write_files import FILES

FORMATS = range(1, FORMAT + 1)
# An estimator has files from the format on in which it came.
KEPT = [
    (number, path.stem)
    for number in FORMATS
    for path in sorted((FILES / f"format_{number}").glob("*.joblib"))
]
SKLEARN = Version(sklearn_version)
LOADS = {
    "joblib": joblib.load,
    "skops": lambda path: skops.io.load(path, trusted=sklearn_ae.TRUSTED_TYPES),
}


@pytest.mark.parametrize("suffix", LOADS)
@pytest.mark.parametrize(("number", "name"), KEPT)
def test_a_file_answers_as_when_it_was_written(number, name, suffix):
    folder = FILES / f"format_{number}"
    with warnings.catch_warnings(record=True) as caught:
        # Of this package, or of scikit-learn for its estimators within ours.
        warnings.simplefilter("always", InconsistentVersionWarning)
        loaded = LOADS[suffix](folder / f"{name}.{suffix}")
    for given in (each.message for each in caught):
        if given.estimator_name == "SVC" and Version(given.original_sklearn_version) > SKLEARN:
            pytest.skip("scikit-learn's SVC does not load in versions before that which wrote it")
    found, expected = answers(name, loaded), np.load(folder / f"{name}.npz")
    assert found.keys() == set(expected)
    for key, value in expected.items():
        if value.dtype.kind == "f":
            scale = np.nanmax(np.abs(value))
            np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6 * scale)
        else:
            np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("suffix", LOADS)
def test_an_autoencoder_of_format_1_learns_what_it_may_freeze(suffix):
    loaded = LOADS[suffix](FILES / "format_1" / f"autoencoder.{suffix}")
    assert loaded.freeze == loaded.get_params()["freeze"] == ()
    codes = loaded.transform(rows())
    loaded.set_params(warm_start=True, freeze=("encoder",), early_stopping=False).fit(rows() + 1)
    np.testing.assert_array_equal(loaded.transform(rows()), codes)


def test_every_estimator_has_a_file():
    assert {type(kind.estimator) for kind in KINDS.values()} >= set(ESTIMATORS)
    assert {name for number, name in KEPT if number == FORMAT} == set(KINDS)


@pytest.mark.parametrize("number", FORMATS)
def test_files_of_a_format_stay_small(number):
    folder = FILES / f"format_{number}"
    assert sum(path.stat().st_size for path in folder.rglob("*.*")) < 2_500_000
