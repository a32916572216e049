"""Fits and answers by Ray, whose start takes most of the time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, Penalty
from sklearn_ae.distributed import fit, score_samples, transform
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
    yield
    ray.shutdown()


class Death(Penalty):
    """Kills the second worker at its first step, once."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def build(self, n_components, bounded):
        return DeathTerm(self.marker)


class DeathTerm(Term):
    per_row = True

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = Path(marker)

    def forward(self, network, batch, result, generator):
        import torch.distributed as dist

        second = dist.is_initialized() and dist.get_rank() == 1
        if second and network.training and not self.marker.exists():
            self.marker.write_text("killed")
            os.kill(os.getpid(), signal.SIGKILL)
        return batch.x.new_zeros(len(batch))


def test_a_cluster_that_does_not_answer_is_named(X):
    ray.shutdown()
    with pytest.raises(ConnectionError, match=r"address='127.0.0.1:1'.*ray start --head"):
        fit(Autoencoder(2), X, address="127.0.0.1:1")


@pytest.mark.usefixtures("_session")
def test_a_fit_survives_the_death_of_a_worker(X, tmp_path):
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    marker = tmp_path / "killed"
    estimator = Autoencoder(2, max_iter=6, penalties=(Death(str(marker)),), random_state=0)
    found = fit(estimator, pd.DataFrame(X, columns=NAMES), num_workers=2)
    assert marker.exists()
    assert not estimator.__sklearn_is_fitted__()
    assert list(found.feature_names_in_) == NAMES
    alone = clone(estimator).fit(pd.DataFrame(X, columns=NAMES))
    assert found.selection_.kept == alone.selection_.kept == "network"
    gain = alone.selection_.start_loss - alone.selection_.network_loss
    assert found.selection_.network_loss == pytest.approx(
        alone.selection_.network_loss, abs=0.1 * gain
    )


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
