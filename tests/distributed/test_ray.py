"""Fits and answers by Ray, whose start takes most of the time."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, Penalty
from sklearn_ae.distributed import _ray, fit, score_samples, transform
from sklearn_ae.sources import Blocks, _opening
from sklearn_ae.terms import Term

ray = pytest.importorskip("ray", reason="the extra ray is not installed: make test-ray")
# Ray warns of its own parts.
pytestmark = pytest.mark.filterwarnings("default")

NAMES = list("abcdef")


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2000, 2))
    return np.tanh(2 * z @ rng.normal(size=(2, 6))) + 0.05 * rng.normal(size=(2000, 6))


@pytest.fixture(scope="module")
def _session():
    ray.shutdown()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    _ray._knock(ray.get_runtime_context().gcs_address)
    yield
    ray.shutdown()


class Death(Penalty):
    """Notes each step of the second worker, and kills it at one of them, once."""

    def __init__(self, notes: str, at: int) -> None:
        self.notes = notes
        self.at = at

    def build(self, n_components, bounded):
        return DeathTerm(self.notes, self.at)


class DeathTerm(Term):
    per_row = True

    def __init__(self, notes: str, at: int) -> None:
        super().__init__()
        self.notes = Path(notes)
        self.at = at

    def forward(self, network, batch, result, generator):
        import torch.distributed as dist

        second = dist.is_initialized() and dist.get_rank() == 1
        if second and network.training:
            time.sleep(0.16)  # so that each epoch is kept
            with self.notes.open("a") as file:
                file.write(".")
            if self.notes.stat().st_size == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
        return batch.x.new_zeros(len(batch))


@pytest.mark.usefixtures("_session")
def test_a_fit_goes_on_where_a_worker_died(X, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.1")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    rows = pd.DataFrame(X, columns=NAMES).assign(weight=np.linspace(0.5, 1.5, len(X)))
    found, steps = {}, {}

    def fitted(name, at):
        notes = tmp_path / name
        estimator = Autoencoder(2, max_iter=4, penalties=(Death(str(notes), at),), random_state=0)
        found[name] = fit(estimator, rows, sample_weight="weight", num_workers=2)
        steps[name] = len(notes.read_text())
        assert not estimator.__sklearn_is_fitted__()

    fitted("whole", 0)
    whole = found["whole"]
    each = steps["whole"] // whole.n_iter_
    fitted("broken", 2 * each + each // 2)
    assert 0 < steps["broken"] - steps["whole"] <= each
    assert found["broken"].selection_ == whole.selection_
    assert found["broken"].offset_ == whole.offset_
    np.testing.assert_array_equal(
        found["broken"].transform(rows[NAMES]), whole.transform(rows[NAMES])
    )
    assert list(whole.feature_names_in_) == NAMES
    alone = clone(whole).fit(rows[NAMES], sample_weight=rows["weight"])
    assert whole.selection_.kept == alone.selection_.kept == "network"
    gain = alone.selection_.start_loss - alone.selection_.network_loss
    assert whole.selection_.network_loss == pytest.approx(
        alone.selection_.network_loss, abs=0.1 * gain
    )


@pytest.mark.usefixtures("_session")
def test_estimators_read_data_sets(X, monkeypatch):
    monkeypatch.setattr(_opening, "EXPANDED_CELLS", 0)
    rows = pd.DataFrame(X, columns=NAMES)
    tables = {
        "table": ray.data.from_pandas(rows.assign(weight=1.0)).repartition(3),
        "arrays": ray.data.from_numpy(X).repartition(3),
        "computed": ray.data.from_pandas(rows)
        .repartition(4)
        .map_batches(
            lambda batch: batch.assign(**dict.fromkeys("a", batch["a"])), batch_format="pandas"
        ),
    }
    estimator = Autoencoder(2, max_iter=2, random_state=0)
    expected = clone(estimator).fit(Blocks([X]))
    for name, dataset in tables.items():
        weight = "weight" if name == "table" else None
        found = clone(estimator).fit(dataset, sample_weight=weight)
        own = X if name == "arrays" else rows
        np.testing.assert_array_equal(found.transform(own), expected.transform(X), name)
        for method in ("transform", "score_samples", "reconstruct"):
            answer = np.asarray(getattr(found, method)(dataset))
            np.testing.assert_allclose(answer, getattr(found, method)(own), rtol=1e-6, atol=1e-8)
    streamed = [clone(estimator).partial_fit(d) for d in (tables["arrays"], Blocks([X]))]
    np.testing.assert_array_equal(streamed[0].transform(X), streamed[1].transform(X))


@pytest.mark.usefixtures("_session")
def test_answers_are_those_of_the_estimator(X):
    rows = pd.DataFrame(X, columns=NAMES)
    estimator = Autoencoder(2, max_iter=1, random_state=0).fit(rows)
    dataset = ray.data.from_pandas(rows.assign(id=np.arange(len(rows)))).repartition(5)
    codes = transform(estimator, dataset, keep=["id"], batch_size=300).to_pandas()
    assert list(codes.columns) == ["id", *estimator.get_feature_names_out()]
    assert codes["id"].tolist() == list(range(len(rows)))
    np.testing.assert_allclose(
        codes.iloc[:, 1:].to_numpy(float), estimator.transform(rows), atol=1e-9
    )
    scores = score_samples(Autoencoder(2, max_iter=0).fit(X), X, num_workers=1).to_pandas()
    expected = Autoencoder(2, max_iter=0).fit(X).score_samples(X)
    np.testing.assert_allclose(scores["score"].to_numpy(float), expected, atol=1e-9)
    with pytest.raises(ValueError, match=r"lacks the columns \['f'\]"):
        transform(estimator, rows.drop(columns="f"))
    with pytest.raises(TypeError, match="StandardScaler, which has no score_samples"):
        score_samples(StandardScaler().fit(X), X)


@pytest.mark.usefixtures("_session")
@pytest.mark.parametrize(
    ("dataset", "changes", "error", "says"),
    [
        (None, {"num_workers": 0}, ValueError, "num_workers=0"),
        (np.zeros((3, 2)), {"num_workers": 4}, ValueError, "exceeds the 3 rows"),
        (np.zeros((0, 2)), {}, ValueError, "no rows"),
        (np.zeros((500, 2)), {}, ValueError, "use estimator.fit"),
        (None, {"num_workers": 64}, ValueError, "take 64 CPU"),
        ([[1.0]], {}, TypeError, "is a list"),
    ],
    ids=["none", "more than rows", "empty", "few", "cpus", "list"],
)
def test_what_cannot_be_fitted_is_refused(X, dataset, changes, error, says):
    with pytest.raises(error, match=says):
        fit(Autoencoder(2), X if dataset is None else dataset, **changes)


@pytest.mark.usefixtures("_session")
def test_searches_run_on_ray(X):
    from ray.util.joblib import register_ray

    register_ray()
    search = GridSearchCV(Autoencoder(max_iter=1, random_state=0), {"n_components": [1, 2]}, cv=2)
    with joblib.parallel_config("ray"):
        found = clone(search).fit(X)
    alone = search.fit(X)
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
