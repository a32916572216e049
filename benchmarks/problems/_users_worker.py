"""One cell of the problem `recommendation_size` in a process of its own.

``python -m benchmarks.problems._users_worker LIBRARY DATA 0 SEED`` prints a line of JSON.
"""

import time

from benchmarks import data, made, problems
from benchmarks.problems import _process
from benchmarks.speed import machine

N_USERS = 1_000


def main(library: str, name: str, k: int, seed: int) -> dict:
    """Fit to made users, and recommend to some of them.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Without a meaning here.
    seed : int
        Seed of the users and of the fit.

    Returns
    -------
    row : dict
        Sizes, times and memory.
    """
    rival = problems.rival("recommendation_size", library)
    rival.load()
    users = made.users(*data.shape(name), seed)
    wall, cpu = time.perf_counter(), time.process_time()
    model = rival.fit(users, k, seed)
    fitted, cpu = time.perf_counter(), time.process_time() - cpu
    found = model.recommend(users[:N_USERS], k=10)
    recommended = time.perf_counter()
    if found.shape != (min(N_USERS, users.shape[0]), 10) or (found < 0).any():
        raise ValueError("Not every user has ten items.")
    peak = machine.peak()
    return {
        "n_train": users.shape[0],
        "n_test": 0,
        "p": users.shape[1],
        "filled": users.nnz,
        "cpu_seconds": round(cpu, 2),
        "peak_gib": float("nan") if peak is None else round(peak / 1024, 3),
        "recommend_seconds": round(recommended - fitted, 2),
        "fit_seconds": round(fitted - wall, 2),
    }


if __name__ == "__main__":
    _process.answer(main)
