"""Answers for the rows of a data set, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import narwhals.stable.v1 as nw
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.distributed._ray import started
from sklearn_ae.distributed._shards import as_dataset, as_rows
from sklearn_ae.sources._out import as_frame, check_names
from sklearn_ae.sources._ray_data import is_array


class Answers:
    """An estimator as a worker holds it, which answers blocks of rows.

    Parameters
    ----------
    reference : ObjectRef
        The estimator, which machines fetch once.
    method : {"transform", "score_samples"}
        What is asked.
    keep : list of str
        Columns that are handed on.
    """

    def __init__(self, reference: Any, method: str, keep: list[str]) -> None:
        import ray

        self.estimator = ray.get(reference)
        self.method = method
        self.keep = keep

    def __call__(self, block: Any) -> pd.DataFrame:
        """Return the answers for a block, as numpy or Arrow."""
        X = as_rows(block)
        kept = pd.DataFrame(index=range(len(X)))
        if isinstance(X, pd.DataFrame):
            names = getattr(self.estimator, "feature_names_in_", None)
            kept = X[self.keep]
            X = X.drop(columns=self.keep) if names is None else X[list(names)]
        found = as_frame(self.estimator, getattr(self.estimator, self.method)(X), self.method)
        answers = nw.from_native(found, eager_only=True).to_pandas()
        return pd.concat([kept, answers.reset_index(drop=True)], axis=1)


_DOC = """Return {what}, as a data set.

    Parameters
    ----------
    estimator : estimator
        {who}
    dataset : ray.data.Dataset, ndarray or data frame of shape (n_samples, ...)
        Rows. Columns that `fit` has not seen are not read.
    num_workers : int, default=2
        Number of processes, at most, each of which holds the estimator once.
    batch_size : int, default=4096
        Rows that are answered for at once.
    keep : sequence of str, default=()
        Columns of the data set that stand in the answer too, such as an id.
    address : str, default=None
        As in :func:`fit`.

    Returns
    -------
    answers : ray.data.Dataset
        A row for each row, in the same order, with {columns}. It is computed when it is read.

    Examples
    --------
    >>> answers = {example}  # doctest: +SKIP
    >>> answers.write_parquet("answers")  # doctest: +SKIP
    """


def _answering(method: str, **words: str) -> Callable[..., Any]:
    """Return the function that answers by a method of an estimator."""

    def answer(
        estimator: Any,
        dataset: Any,
        *,
        num_workers: int = 2,
        batch_size: int = 4096,
        keep: Sequence[str] = (),
        address: str | None = None,
    ) -> Any:
        check_is_fitted(estimator)
        if not hasattr(estimator, method):
            raise TypeError(f"estimator is a {type(estimator).__name__}, which has no {method}.")
        for name, value in (("num_workers", num_workers), ("batch_size", batch_size)):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r} must be an integer of at least 1.")
        started(address)
        import ray
        from ray.data import ActorPoolStrategy

        rows, kept = as_dataset(dataset), list(keep)
        array = is_array(rows)
        have = [] if array else list(rows.schema().names)
        seen = [] if array else list(getattr(estimator, "feature_names_in_", []))
        check_names([*seen, *kept], have, "dataset")
        answers = rows.map_batches(
            Answers,
            fn_constructor_args=(ray.put(estimator), method, kept),
            batch_size=batch_size,
            batch_format="numpy" if array else "pyarrow",
            # A pool of one size could take all CPUs, and what reads the rows would wait for ever.
            compute=ActorPoolStrategy(min_size=1, max_size=num_workers),
            num_cpus=1 if ray.cluster_resources().get("CPU", 0) > 1 else 0,
        )
        answers.context.execution_options.preserve_order = True
        return answers

    answer.__name__ = answer.__qualname__ = method
    answer.__doc__ = _DOC.format(**words)
    return answer


transform = _answering(
    "transform",
    what="what a fitted estimator makes of the rows of a data set",
    who="One with `transform`: an autoencoder, an imputer, a pipeline.",
    columns="the columns of ``estimator.get_feature_names_out()``",
    example='transform(autoencoder, dataset, keep=["id"])',
)
score_samples = _answering(
    "score_samples",
    what="how normal the rows of a data set are",
    who="One with `score_samples`: an autoencoder, an outlier detector.",
    columns='the column "score"; higher is more normal',
    example='score_samples(detector, dataset, keep=["id"])',
)
