"""Thousands of examples: ``python -m tests.fuzz.runner 10000``.

Examples come in pieces, each from a seed of its own, which is printed with what it violated.
``100 --seed S`` draws the piece of seed S again, and ``--shrink`` stops at the first violation
there and prints the smallest example.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.invariants import Violation, check
from tests.fuzz.strategies import ALL, Example

PIECE = 100


@dataclass
class Piece:
    """What the examples of a seed showed."""

    seed: int
    n_examples: int = 0
    n_refused: int = 0
    violations: list[tuple[str, str]] = field(default_factory=list)


def run_piece(number: int, n_examples: int = PIECE, shrink: bool = False) -> Piece:
    """Draw the examples of a seed and check them; without `shrink`, go on after a violation."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
    warnings.simplefilter("ignore")
    piece = Piece(number)
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seed(number)
    @settings(
        max_examples=n_examples,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(ALL)
    def examine(example: Example) -> None:
        piece.n_examples += 1
        try:
            piece.n_refused += not check(example)
        except Exception as error:
            if shrink:
                raise
            known = isinstance(error, Violation)
            what = str(error) if known else traceback.format_exc(limit=-3)
            piece.violations.append((what, repr(example)))

    examine()
    return piece


def run_pieces(seeds: list[int], sizes: list[int], workers: int) -> Iterator[Piece]:
    """Yield pieces as they end; never more of them are waiting than workers are busy."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        ahead = iter(zip(seeds, sizes, strict=True))
        running: set[Future[Piece]] = set()
        while True:
            for number, size in ahead:
                running.add(pool.submit(run_piece, number, size))
                if len(running) > workers:
                    break
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def main(arguments: list[str] | None = None) -> int:
    """Run as asked, and return whether any invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.runner", description=__doc__)
    parser.add_argument("n_examples", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=None, help="seed of the first piece")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shrink", action="store_true", help="find the smallest violation")
    given_arguments = parser.parse_args(arguments)
    n_examples, first = given_arguments.n_examples, given_arguments.seed
    if first is None:
        first = int.from_bytes(os.urandom(3), "big") * 1000
    sizes = [min(PIECE, n_examples - i) for i in range(0, n_examples, PIECE)]
    seeds = [first + i for i in range(len(sizes))]
    print(f"{n_examples} examples, seeds {seeds[0]} to {seeds[-1]}", flush=True)
    if given_arguments.shrink:
        for number, size in zip(seeds, sizes, strict=True):
            run_piece(number, size, shrink=True)
        return 0
    begun = told = time.monotonic()
    done, refused = 0, 0
    kinds: Counter[str] = Counter()
    for piece in run_pieces(seeds, sizes, given_arguments.workers):
        done, refused = done + piece.n_examples, refused + piece.n_refused
        for what, example in piece.violations:
            kinds[what[:100]] += 1
            print(f"seed {piece.seed}: {what}\n    {example}", flush=True)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(
                f"  {done} examples, {kinds.total()} violations, {told - begun:.0f} s", flush=True
            )
    for what, count in kinds.most_common():
        print(f"{count:6d}  {what}")
    print(f"{done} examples, {kinds.total()} violations", end=" ")
    print(f"({refused} refused in words, {time.monotonic() - begun:.0f} s)")
    return int(kinds.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
