"""Fits that go on where they were broken off: a folder, and the parts of a fit in it.

What is trained in a fit, one network or several together, is a part. Parts are numbered as they
come, so that those of a fit within another one have numbers of the same folder.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sklearn_ae.state import read_file, write_file

_ABOUT, _LOCK = "fit.npz", "lock"
# By name, what is shown of a thing that makes a fit another one, and its digest.
Facts = dict[str, tuple[str, str]]
# Locks of files belong to processes: within one, folders are kept apart here.
_taken: set[tuple[int, Path]] = set()
_guard = threading.Lock()


class Part:
    """What is kept of one part of a fit.

    Parameters
    ----------
    checkpoint : Checkpoint
        What it belongs to.
    path : Path
        Its file.
    """

    def __init__(self, checkpoint: Checkpoint, path: Path) -> None:
        self.checkpoint = checkpoint
        self.path = path

    def read(self) -> Any:
        """Return what was kept last, None if nothing was."""
        return read_file(self.path) if self.path.exists() else None

    def keep(self, state: Any) -> None:
        """Keep a state in place of the last one."""
        self.checkpoint.note()
        write_file(self.path, state)
        self.checkpoint.kept()


class Checkpoint:
    """A folder that a fit is kept in.

    Nothing is written before there is something to go on from, so that a call that is refused
    leaves the folder to the next one.

    Parameters
    ----------
    folder : Path
        It is there, and no other fit is at it.
    facts : Facts
        What the fit is of.

    Raises
    ------
    ValueError
        If what is in the folder is of another fit.
    """

    def __init__(self, folder: Path, facts: Facts) -> None:
        self.folder = folder
        self.facts = facts
        self.seeds: list[int] = []
        self._owner = os.getpid(), threading.get_ident()
        self._n_parts = self._n_seeds = 0
        self._n_noted = -1
        about = folder / _ABOUT
        parts = [path for path in folder.glob("*.npz") if path != about]
        if about.exists():
            kept = read_file(about)
            self._check(kept["facts"])
            self.seeds = kept["seeds"]
            self._n_noted = len(self.seeds)
        elif parts:
            raise ValueError(
                f"checkpoint={str(folder)!r} holds {parts[0].name}, but not {_ABOUT}, which says "
                "what it is of; use another folder, or delete this one to begin anew."
            )

    def part(self) -> Part:
        """Return the next part."""
        self._n_parts += 1
        return Part(self, self.folder / f"{self._n_parts:04}.npz")

    def seed(self, draw: Callable[[], int]) -> int:
        """Return the next seed that nobody has given: the one of the fit so far, or a new one."""
        if self._n_seeds == len(self.seeds):
            self.seeds.append(draw())
        self._n_seeds += 1
        return self.seeds[self._n_seeds - 1]

    def note(self) -> None:
        """Write down what the fit is of, unless it has been."""
        if self._n_noted < len(self.seeds):
            write_file(self.folder / _ABOUT, {"facts": self.facts, "seeds": self.seeds})
            self._n_noted = len(self.seeds)

    def kept(self) -> None:
        """Hear that a part was kept."""

    @property
    def is_here(self) -> bool:
        """Whether it is of this thread: order would be left to chance among several."""
        return self._owner == (os.getpid(), threading.get_ident())

    def _check(self, kept: Facts) -> None:
        nothing = ("nothing", "")
        found = []
        for name in {**self.facts, **kept}:
            (then, one), (now, other) = (f.get(name, nothing) for f in (kept, self.facts))
            if one != other:
                same = "with the same look but other content" if then == now else f"here {now}"
                found.append(f"{name} was {then}, {same}")
        if found:
            raise ValueError(
                f"checkpoint={str(self.folder)!r} is of another fit: {'; '.join(found)}. Call what "
                "was called then, use another folder, or delete this one to begin anew."
            )


_CURRENT: ContextVar[Checkpoint | None] = ContextVar("checkpoint", default=None)


def current_checkpoint() -> Checkpoint | None:
    """Return the checkpoint of the fit that this thread is in, if it has one."""
    found = _CURRENT.get()
    return found if found is not None and found.is_here else None


def next_part() -> Part | None:
    """Return where the next part of the fit is kept, if it has a checkpoint."""
    found = current_checkpoint()
    return None if found is None else found.part()


@contextmanager
def kept_in(folder: str | os.PathLike[str], facts: Facts) -> Iterator[None]:
    """Keep what is trained in the block in a folder, and go on from what is there.

    Parameters
    ----------
    folder : str or path-like
        It is made if it is not there.
    facts : Facts
        What the fit is of.

    Raises
    ------
    ValueError
        If another fit is at it, or what is in it is of another fit.
    """
    path = Path(folder)
    if not str(folder):
        raise ValueError("checkpoint='' names no folder; give a folder of its own, or None.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"checkpoint={str(folder)!r} cannot be made a folder ({error.strerror}); name another."
        ) from error
    others = [p.name for p in path.iterdir() if p.name != _LOCK and ".npz" not in p.suffixes]
    if others and not (path / _ABOUT).exists():
        raise ValueError(
            f"checkpoint={str(folder)!r} holds other things, such as {min(others)!r}; name a "
            "folder of its own."
        )
    with _locked(path):
        for left_over in path.glob("*.npz.tmp"):  # of a process that was killed
            left_over.unlink()
        with kept_by(Checkpoint(path, facts)):
            yield


@contextmanager
def kept_by(checkpoint: Checkpoint) -> Iterator[None]:
    """Keep what is trained in the block in a checkpoint."""
    token = _CURRENT.set(checkpoint)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder, which is let go when the process ends in whatever way."""
    key = os.getpid(), folder.resolve()
    with _guard:
        if key in _taken:
            raise _busy(folder, "in this process")
        _taken.add(key)
    try:
        with (folder / _LOCK).open("a+") as file:
            try:
                _lock(file.fileno())
            except OSError as error:
                raise _busy(folder, "in another process") from error
            yield
    finally:
        with _guard:
            _taken.discard(key)


def _busy(folder: Path, where: str) -> ValueError:
    return ValueError(
        f"checkpoint={str(folder)!r} is that of a fit that runs {where}; wait for its end, or use "
        "another folder."
    )


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def _lock(handle: int) -> None:
        # By process, so that a child that outlives it does not hold the folder.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
