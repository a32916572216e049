"""A bar on the terminal, or lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, str], None]


@contextmanager
def bar(total: int) -> Iterator[Advance]:
    """Show how much of a total is done, on standard error.

    Parameters
    ----------
    total : int
        What is to be done.

    Yields
    ------
    advance : callable
        Takes what was done since the last call, and what is done next.
    """
    if not sys.stderr.isatty():
        yield _lines(total)
        return
    from tqdm import tqdm  # skorch brings it

    with tqdm(total=total, bar_format="{desc:35} {percentage:3.0f}% |{bar}| {elapsed}") as shown:

        def advance(n: int, doing: str) -> None:
            shown.set_description_str(doing, refresh=False)
            shown.update(n)
            shown.refresh()

        yield advance


def _lines(total: int) -> Advance:
    """Print a line where something else begins."""
    done, last = 0, ""

    def advance(n: int, doing: str) -> None:
        nonlocal done, last
        done += n
        if doing != last:
            print(f"{done / total:4.0%}  {doing}", file=sys.stderr, flush=True)
            last = doing

    return advance
