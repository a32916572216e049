"""A bar on the terminal: that of rich or tqdm, or plain lines."""

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
    terminal = sys.stderr.isatty()
    if terminal and _has("rich"):
        with _rich(total) as advance:
            yield advance
    elif terminal and _has("tqdm"):
        with _tqdm(total) as advance:
            yield advance
    else:
        yield _lines(total)


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@contextmanager
def _rich(total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:35}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)
        yield lambda n, doing: progress.update(task, advance=n, description=doing)


@contextmanager
def _tqdm(total: int) -> Iterator[Advance]:
    from tqdm import tqdm

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
